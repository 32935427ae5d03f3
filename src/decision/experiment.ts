/**
 * A/B experiments within a decision. Which variant a request belongs to is settled before anything else, and by nothing that the variant changes: that
 * is what makes variants comparable. A session keeps its variant; where there is none each request draws.
 *
 * The ring has 10 000 slots, each given to one variant (as Redis Cluster gives hash slots to nodes): a session's salted hash names its slot, and a new
 * split gives away just the slots that the shares ask for, so that no other session moves.
 */
import type { ExperimentSnapshot, ExperimentVariant, Method, TransferRequest } from './types.ts';

/** Shares are whole multiples of 1 / SLOTS. */
export const SLOTS = 10_000;

/** What a request was given. */
export interface Assignment {
  readonly experiment: ExperimentSnapshot;
  readonly variant: ExperimentVariant;
  /** 0 .. SLOTS - 1. */
  readonly slot: number;
}

/** Whether the experiment is about this request. */
export function takesPart({ scope }: ExperimentSnapshot, request: TransferRequest): boolean {
  return (
    request.dataSize >= scope.minimumSize &&
    request.dataSize <= scope.maximumSize &&
    (scope.dataTypes === undefined || scope.dataTypes.has(request.dataType))
  );
}

export function assignedTo(experiment: ExperimentSnapshot, slot: number): Assignment | undefined {
  const variant = experiment.variants[experiment.slots[slot] ?? -1];
  return variant && { experiment, variant, slot };
}

/** The slot of a session: FNV-1a over its characters, finished as MurmurHash3 does, so that names that differ in one digit lie far apart. */
export function slotOf(sessionId: string, salt: number): number {
  let hash = 0x811c9dc5 ^ salt;
  for (let at = 0; at < sessionId.length; at += 1) hash = Math.imul(hash ^ sessionId.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % SLOTS;
}

/** The lane of a variant that fixes it by size; undefined where a policy decides. */
export function fixedLane({ zeroCopyFrom }: ExperimentVariant, request: TransferRequest): Method | undefined {
  if (zeroCopyFrom === undefined) return undefined;
  return request.dataSize >= zeroCopyFrom ? 'zero_copy' : 'grpc';
}

/** Whether a variant leaves the pool as it is: then its own policy decides, exploration included. */
export function isControl({ zeroCopyFrom, pool }: ExperimentVariant): boolean {
  return zeroCopyFrom === undefined && pool === undefined;
}

/**
 * Probability of a lane over the draw of the variant, not only within the variant that was drawn: what off-policy estimates divide by. It is taken over
 * the variants whose lane for this request is known without asking another policy (those that fix it, and the pool's own); a variant with a policy
 * of its own stands alone. Conditioning on which of the two was drawn keeps estimates unbiased.
 *
 * @param byPolicy probability with which the pool's own policy takes this lane
 */
export function drawnPropensity(
  experiment: ExperimentSnapshot,
  request: TransferRequest,
  lane: Method,
  byPolicy: number,
): number {
  let shares = 0;
  let taken = 0;
  for (const variant of experiment.variants) {
    if (variant.pool !== undefined) continue;
    shares += variant.share;
    const fixed = fixedLane(variant, request);
    taken += variant.share * (fixed === undefined ? byPolicy : fixed === lane ? 1 : 0);
  }
  return taken / shares;
}

/** Slots by variant for a first split, shares in order. */
export function newSlots(shares: readonly number[]): Uint8Array {
  return movedSlots(new Uint8Array(SLOTS).fill(UNASSIGNED), shares);
}

/**
 * Slots after a change of the split: each variant keeps as many of its own as its new share allows, and only what is left over changes hands.
 *
 * @param slots as they are; not changed
 * @param shares of all variants in order, adding up to 1
 */
export function movedSlots(slots: Uint8Array, shares: readonly number[]): Uint8Array {
  const wanted = wholeSlots(shares);
  const moved = Uint8Array.from(slots);
  const kept = wanted.map(() => 0);
  const free: number[] = [];
  for (const [slot, owner] of slots.entries()) {
    const has = kept[owner];
    if (has !== undefined && has < (wanted[owner] ?? 0)) kept[owner] = has + 1;
    else free.push(slot);
  }
  free.reverse();
  for (const [variant, count] of wanted.entries()) {
    for (let missing = count - (kept[variant] ?? 0); missing > 0; missing -= 1) {
      const slot = free.pop();
      if (slot !== undefined) moved[slot] = variant;
    }
  }
  return moved;
}

/** More variants than this an experiment cannot have. */
export const MOST_VARIANTS = 8;
const UNASSIGNED = 255;

/** Largest remainders, so that all slots are given out. */
function wholeSlots(shares: readonly number[]): number[] {
  const exact = shares.map((share) => share * SLOTS);
  const whole = exact.map((slots) => Math.floor(slots + 1e-6));
  const byRemainder = exact
    .map((slots, variant) => ({ variant, remainder: slots - (whole[variant] ?? 0) }))
    .sort((a, b) => b.remainder - a.remainder);
  let left = SLOTS - whole.reduce((sum, slots) => sum + slots, 0);
  for (const { variant } of byRemainder) {
    if (left <= 0) break;
    whole[variant] = (whole[variant] ?? 0) + 1;
    left -= 1;
  }
  return whole;
}
