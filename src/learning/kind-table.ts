/**
 * Which slot of the cost model belongs to which kind (data type and format). Bounded: names come from hosts, and so from strangers. Slot 0
 * is shared by all kinds without one of their own. A newcomer replaces the kind that was used least lately, if that one is
 * practically unused; else it is refused and counted: a flood of new names cannot push out what is in use.
 */
import type { Lane } from './types.ts';

export interface Kind {
  readonly slot: number;
  readonly dataType: string;
  readonly format: string;
  /** Records by lane, decayed to the time of `atRecord`. */
  grpc: number;
  zeroCopy: number;
  atRecord: number;
}

export type KindIndex = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** Slot of kinds without their own. */
export const SHARED_SLOT = 0;
/** Longer names are not worth a slot. */
export const MAX_NAME_LENGTH = 64;
/** Records after which a count has decayed to 1/e. */
const MEMORY_RECORDS = 2000;
/** A kind with less than this is replaced by a newcomer. */
const REPLACEABLE_BELOW = 0.5;

export class KindTable {
  readonly #capacity: number;
  readonly #kinds: Kind[];
  #index: KindIndex;
  /** Kinds that got no slot of their own, one count per record. */
  refused: number;

  constructor(capacity: number, kinds: readonly Kind[] = [], refused = 0) {
    this.#capacity = capacity;
    this.#kinds = kinds.map((kind) => ({ ...kind }));
    this.#index = indexOf(this.#kinds);
    this.refused = refused;
  }

  /** Immutable; replaced when a kind comes or goes. */
  get index(): KindIndex {
    return this.#index;
  }

  /** Slots in use, the shared one included. */
  get slots(): number {
    return this.#kinds.reduce((most, kind) => Math.max(most, kind.slot + 1), 1);
  }

  kinds(): readonly Readonly<Kind>[] {
    return this.#kinds;
  }

  /** Slot of a kind, allocated if need be. `fresh` says that its parameters must start from the prior. */
  claim(dataType: string, format: string, record: number): { slot: number; fresh: boolean } {
    const slot = slotOf(this.#index, dataType, format);
    if (slot !== SHARED_SLOT) return { slot, fresh: false };
    if (dataType.length > MAX_NAME_LENGTH || format.length > MAX_NAME_LENGTH) return this.#refuse();
    if (this.#kinds.length < this.#capacity) {
      return this.#place(this.#kinds.length, { slot: this.#kinds.length + 1, dataType, format, ...unused(record) });
    }
    const least = this.#leastUsed(record);
    if (least === undefined || least.weight >= REPLACEABLE_BELOW) return this.#refuse();
    return this.#place(least.position, { slot: least.slot, dataType, format, ...unused(record) });
  }

  /** Counts one record of a lane. */
  count(slot: number, lane: Lane, record: number): void {
    const kind = this.#kinds.find((candidate) => candidate.slot === slot);
    if (kind === undefined) return;
    const decay = decayOver(record - kind.atRecord);
    kind.grpc = kind.grpc * decay + (lane === 'grpc' ? 1 : 0);
    kind.zeroCopy = kind.zeroCopy * decay + (lane === 'zero_copy' ? 1 : 0);
    kind.atRecord = record;
  }

  #place(position: number, kind: Kind): { slot: number; fresh: boolean } {
    this.#kinds[position] = kind;
    this.#index = indexOf(this.#kinds);
    return { slot: kind.slot, fresh: true };
  }

  #refuse(): { slot: number; fresh: boolean } {
    this.refused += 1;
    return { slot: SHARED_SLOT, fresh: false };
  }

  #leastUsed(record: number): { position: number; slot: number; weight: number } | undefined {
    let least: { position: number; slot: number; weight: number } | undefined;
    for (const [position, kind] of this.#kinds.entries()) {
      const weight = (kind.grpc + kind.zeroCopy) * decayOver(record - kind.atRecord);
      if (least === undefined || weight < least.weight) least = { position, slot: kind.slot, weight };
    }
    return least;
  }
}

/** Slot of a kind, SHARED_SLOT where it has none. Two map look-ups: no key is built. */
export function slotOf(index: KindIndex, dataType: string, format: string): number {
  return index.get(dataType)?.get(format) ?? SHARED_SLOT;
}

export function decayOver(records: number): number {
  return Math.exp(-records / MEMORY_RECORDS);
}

function unused(record: number): { grpc: number; zeroCopy: number; atRecord: number } {
  return { grpc: 0, zeroCopy: 0, atRecord: record };
}

function indexOf(kinds: readonly Kind[]): KindIndex {
  const index = new Map<string, Map<string, number>>();
  for (const kind of kinds) {
    const byFormat = index.get(kind.dataType) ?? new Map<string, number>();
    byFormat.set(kind.format, kind.slot);
    index.set(kind.dataType, byFormat);
  }
  return index;
}
