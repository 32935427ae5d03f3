/**
 * `prober`: while a pool is idle, tries the lane that its recorded transfers did not take, at their sizes, and tells the pool's cost model. So exploration on
 * live traffic can sink to a small floor. It sends made-up payloads to a command that runs no handler, through lanes that were offered for it; a probe is no
 * transfer: it is recorded nowhere, and no statistic, baseline or training sees it.
 *
 *   one probe:  other lane, taken lane, taken lane, other lane; then a rest of ninety-nine times what that took
 */
import { knownResources } from '../decision/resources.ts';
import type { DecisionReason } from '../decision/types.ts';
import { bestProbe, counterfactual, type ProbeChoice, type ProbedLanes } from '../learning/probe-choice.ts';
import type { Lane, Observation } from '../learning/types.ts';
import { toObservation } from '../metrics/observation.ts';
import type { TransferRecord } from '../metrics/record.ts';
import { type Call, type GenServer, next, type Self } from '../otp/index.ts';
import type { PoolSlot, SnapshotBoard } from '../snapshots.ts';
import type { ProbeOffer } from '../transports/probe-offer.ts';
import { type SentTransfer, sendOne } from './benchmark-burst.ts';
import { BenchmarkPayloads } from './benchmark-payloads.ts';
import { afterSystemMessage } from './system-message.ts';

export interface ProberArgs {
  readonly board: SnapshotBoard;
  /** Who offers to carry probes, by pool. It belongs to no actor: an offer outlives a crash. */
  readonly offers: ReadonlyMap<string, ProbeOffer>;
  readonly nowMs: () => number;
  /** Monotonic, milliseconds with fractions. */
  readonly elapsedMs: () => number;
  /** Tells the pool's cost model. */
  readonly teach: (pool: string, probes: readonly Observation[]) => void;
  /** Told once when an offer turns out not to do. */
  readonly onStopped: (pool: string, why: string) => void;
}

/** What probes of a pool came to, since the runtime started. */
export interface PoolProbes {
  readonly probes: number;
  readonly bytes: number;
  /** Time that lanes were busy with them, milliseconds. */
  readonly busyMs: number;
  readonly failed: number;
  /** Given up since a transfer came. */
  readonly interrupted: number;
  readonly lastAtMs: number | undefined;
  /** Why there are none any more. */
  readonly stopped: string | undefined;
}

export interface GetProbes extends Call<PoolProbes | undefined> {
  readonly type: 'get_probes';
  readonly pool: string;
}
export interface ProbeFrom {
  readonly type: 'observed';
  readonly records: readonly TransferRecord[];
}
export type ProberInfo =
  | { readonly type: 'tick' }
  | { readonly type: 'probed'; readonly pool: string; readonly sent: Sent };

interface Sent {
  readonly choice: ProbeChoice;
  readonly times: Readonly<Record<Lane, readonly number[]>>;
  readonly warm: boolean | undefined;
  readonly bytes: number;
  readonly busyMs: number;
  readonly interrupted: boolean;
  readonly errorCode: string | undefined;
}

interface PoolState {
  /** The offer that these counts belong to: a pool that comes again starts anew. */
  offer: ProbeOffer;
  candidates: Observation[];
  seen: number;
  activeAtMs: number;
  /** Probes that the traffic has earned. */
  credits: number;
  bytesLeft: number;
  refilledAtMs: number;
  notBeforeMs: number;
  failuresInARow: number;
  counts: PoolProbes;
}

interface State {
  readonly args: ProberArgs;
  readonly pools: Map<string, PoolState>;
  probing: boolean;
  ticking: boolean;
}

const TICK_MS = 500;
/** A pool is idle when nothing is in flight and nothing ended for so long. */
const IDLE_MS = 1_000;
/** Above this share of all cores busy, the machine has something better to do. */
const MAX_LOAD = 0.5;
/** Candidates kept per pool, the newest; pools, the one that was silent longest goes. */
const CANDIDATES = 64;
const MAX_POOLS = 64;
/** Transfers before the first probe: what a pool is like must be known. */
const ENOUGH_SEEN = 64;
/** Transfers that earn a probe, probes that are saved up, and the pause after which one is earned without any. */
const EARN_BY = 4;
const MAX_CREDITS = 32;
const EARN_AFTER_MS = 60_000;
/** Share of one core: rest over work. */
const REST = 99;
const MAX_PAYLOAD = 16 * 2 ** 20;
const SENDS = 4;
const SEND_TIMEOUT_MS = 30_000;
const MAX_FAILURES = 3;
const PAUSE_MS = 600_000;
const MINUTE_MS = 60_000;
/** Lanes that estimates chose: of the others nobody has to learn. */
const CHOSEN: ReadonlySet<DecisionReason> = new Set([
  'model',
  'cost_model',
  'marginal_benefit',
  'threshold',
  'exploration',
]);
const NATURAL: Readonly<Record<string, string>> = { tensor: 'numpy', dataframe: 'arrow', json: 'json', text: 'raw' };

type Prober = Self<GetProbes, ProbeFrom, ProberInfo>;

export const prober: GenServer<ProberArgs, State, GetProbes, ProbeFrom, ProberInfo> = {
  init(args, self) {
    self.trapExit(true);
    return next.ok({ args, pools: new Map(), probing: false, ticking: false });
  },
  handleCall: (message, _from, state) => next.replyTo(message, state.pools.get(message.pool)?.counts, state),
  handleCast(message, state, self) {
    for (const record of message.records) note(state, record);
    if (!state.ticking && state.pools.size > 0) {
      state.ticking = true;
      self.sendAfter({ type: 'tick' }, TICK_MS);
    }
    return next.noreply(state);
  },
  handleInfo(message, state, self) {
    switch (message.type) {
      case 'tick':
        tick(state, self);
        return next.noreply(state);
      case 'probed':
        probed(state, message.pool, message.sent);
        return next.noreply(state);
      default:
        return afterSystemMessage(message, state);
    }
  },
};

function note({ args, pools }: State, record: TransferRecord): void {
  const offer = args.offers.get(record.pool);
  if (offer === undefined) return;
  const nowMs = args.nowMs();
  let own = pools.get(record.pool);
  if (own === undefined || own.offer !== offer) own = newPool(offer, nowMs);
  // Newest last: the pool that was silent longest is the first.
  pools.delete(record.pool);
  pools.set(record.pool, own);
  const [silent] = pools.keys();
  if (pools.size > MAX_POOLS && silent !== undefined) pools.delete(silent);
  own.activeAtMs = nowMs;
  const observation = toObservation(record);
  if (observation === undefined) return;
  own.seen += 1;
  own.credits = Math.min(MAX_CREDITS, own.credits + 1 / EARN_BY);
  if (!CHOSEN.has(record.reason) || record.fallback || record.inFlight > 1) return;
  own.candidates.push(observation);
  if (own.candidates.length > CANDIDATES) own.candidates.shift();
}

function newPool(offer: ProbeOffer, nowMs: number): PoolState {
  const counts = {
    ...{ probes: 0, bytes: 0, busyMs: 0, failed: 0, interrupted: 0, lastAtMs: undefined, stopped: undefined },
  };
  return {
    ...{ offer, candidates: [], seen: 0, activeAtMs: nowMs, credits: 0, bytesLeft: offer.bytesPerMinute },
    ...{ refilledAtMs: nowMs, notBeforeMs: 0, failuresInARow: 0, counts },
  };
}

function tick(state: State, self: Prober): void {
  const { args, pools } = state;
  for (const [pool, { offer }] of pools) if (args.offers.get(pool) !== offer) pools.delete(pool);
  if (pools.size === 0) {
    state.ticking = false;
    return;
  }
  self.sendAfter({ type: 'tick' }, TICK_MS);
  for (const [pool, own] of pools) {
    if (state.probing) return;
    refill(own, args.nowMs());
    const slot = args.board.slot(pool);
    if (slot === undefined || !isIdle(args, own, slot)) continue;
    const learner = slot.costModel;
    const largest = Math.min(MAX_PAYLOAD, own.bytesLeft / SENDS, slot.transport?.roomBytes ?? MAX_PAYLOAD);
    const choice = learner && bestProbe(own.candidates, learner, largest);
    if (choice === undefined) continue;
    own.credits -= 1;
    state.probing = true;
    // Never rejects: what went wrong is in what was sent.
    void send(args, pool, own.offer, slot, choice).then((sent) => self.send(self.ref, { type: 'probed', pool, sent }));
  }
}

function refill(own: PoolState, nowMs: number): void {
  const passedMs = Math.max(0, nowMs - own.refilledAtMs);
  own.refilledAtMs = nowMs;
  const { bytesPerMinute } = own.offer;
  own.bytesLeft = Math.min(bytesPerMinute, own.bytesLeft + (bytesPerMinute * passedMs) / MINUTE_MS);
  // A machine changes while nothing happens, too.
  if (own.seen >= ENOUGH_SEEN) own.credits = Math.min(MAX_CREDITS, own.credits + passedMs / EARN_AFTER_MS);
}

function isIdle({ board, nowMs }: ProberArgs, own: PoolState, slot: PoolSlot): boolean {
  const atMs = nowMs();
  const load = knownResources(board.resources, atMs)?.systemLoad;
  return (
    own.counts.stopped === undefined &&
    own.seen >= ENOUGH_SEEN &&
    own.credits >= 1 &&
    atMs >= own.notBeforeMs &&
    slot.inFlight === 0 &&
    atMs - own.activeAtMs >= IDLE_MS &&
    (load === undefined || load <= MAX_LOAD) &&
    slot.mode === 'enabled' &&
    slot.breaker === 'closed' &&
    slot.policy.learningEnabled &&
    slot.policy.explorationRate > 0 &&
    slot.transport?.zeroCopyReady !== false
  );
}

/** Both lanes by turns, so that what changes meanwhile changes both. Given up when a transfer comes. */
async function send(
  { elapsedMs }: ProberArgs,
  pool: string,
  { lanes, payload: make }: ProbeOffer,
  slot: PoolSlot,
  choice: ProbeChoice,
): Promise<Sent> {
  const { candidate, other } = choice;
  const { dataSize, dataType, format, compression } = candidate;
  const cell = { dataSize, dataType, format, compression, concurrency: 1, memory: 'warm' as const };
  const times: Record<Lane, number[]> = { grpc: [], zero_copy: [] };
  // A lane that hangs must not keep the others from being tried.
  const signal = AbortSignal.timeout(SEND_TIMEOUT_MS);
  let [bytes, busyMs, interrupted] = [0, 0, false];
  let warm: boolean | undefined;
  let errorCode: string | undefined;
  try {
    const payload = await (make?.(cell) ?? madeUp(cell));
    for (const lane of [other, candidate.method, candidate.method, other]) {
      interrupted = slot.inFlight > 0;
      if (interrupted) break;
      const sent = await sendOne({ lanes, lane, cell, payload, pool, signal, elapsedMs });
      bytes += dataSize;
      busyMs += sent.busyMs;
      const transfer: SentTransfer = sent.transfer;
      errorCode = transfer.errorCode;
      if (transfer.latencyUs === undefined) break;
      times[lane].push(transfer.latencyUs);
      if (lane === 'zero_copy') warm = transfer.cost.warm;
    }
  } catch (error) {
    errorCode = error instanceof Error ? error.message : 'no payload could be made';
  }
  return { choice, times, warm, bytes, busyMs, interrupted, errorCode };
}

/** Of the kind's own form where it has one, else bytes that are labelled as what they stand for. */
function madeUp(cell: Parameters<BenchmarkPayloads['of']>[0]): Promise<unknown> {
  const natural = NATURAL[cell.dataType] === cell.format;
  // None is kept: the next probe is of another size.
  return new BenchmarkPayloads(undefined, 1).of(natural ? cell : { ...cell, dataType: 'binary' });
}

function probed(state: State, pool: string, sent: Sent): void {
  const { args, pools } = state;
  state.probing = false;
  const own = pools.get(pool);
  if (own === undefined) return;
  const nowMs = args.nowMs();
  own.bytesLeft -= sent.bytes;
  own.notBeforeMs = nowMs + REST * sent.busyMs;
  const { choice, times, warm } = sent;
  const lanes: ProbedLanes = { taken: times[choice.candidate.method], other: times[choice.other], warm };
  const learned = sent.interrupted || sent.errorCode !== undefined ? undefined : counterfactual(choice, lanes, nowMs);
  const { counts } = own;
  own.counts = {
    ...counts,
    probes: counts.probes + (learned ? 1 : 0),
    bytes: counts.bytes + sent.bytes,
    busyMs: counts.busyMs + sent.busyMs,
    failed: counts.failed + (sent.errorCode === undefined ? 0 : 1),
    interrupted: counts.interrupted + (sent.interrupted ? 1 : 0),
    lastAtMs: nowMs,
  };
  if (learned) args.teach(pool, [learned]);
  follow(state, pool, own, sent.errorCode);
}

function follow({ args }: State, pool: string, own: PoolState, errorCode: string | undefined): void {
  own.failuresInARow = errorCode === undefined ? 0 : own.failuresInARow + 1;
  if (errorCode === 'PITWALL_UNKNOWN_COMMAND') {
    own.counts = { ...own.counts, stopped: 'its workers do not know the command' };
    args.onStopped(pool, 'its workers do not know the command');
  } else if (own.failuresInARow >= MAX_FAILURES) {
    own.failuresInARow = 0;
    own.notBeforeMs = args.nowMs() + PAUSE_MS;
  }
}
