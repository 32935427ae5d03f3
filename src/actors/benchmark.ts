/**
 * `benchmark`: one job, one temporary process. It sends bursts through either lane in a seeded order, rests in between, watches production, and ends with
 * a report; whatever happens to it happens to nothing else.
 *
 *   observing ──▶ running ⇄ (burst, rest) ──▶ assembling ──▶ report, `normal`
 *      ▲             │  production that was never seen before
 *      └─────────────┘
 */
import type { ImpactTest } from '../metrics/analysis/benchmark/impact.ts';
import { assembleReport, type RunFacts } from '../metrics/analysis/benchmark/report.ts';
import { cellsOf } from '../metrics/analysis/benchmark/scenario.ts';
import { schedule } from '../metrics/analysis/benchmark/schedule.ts';
import { Tally } from '../metrics/analysis/benchmark/tally.ts';
import { Throttle } from '../metrics/analysis/benchmark/throttle.ts';
import type {
  BenchmarkCell,
  BenchmarkPlan,
  BenchmarkReport,
  EndReason,
  Machine,
  Measured,
  Visit,
} from '../metrics/analysis/benchmark/types.ts';
import { median } from '../metrics/analysis/robust.ts';
import type { TransferRecord } from '../metrics/record.ts';
import { type Call, type GenServer, type Next, next, type Self, send } from '../otp/index.ts';
import { type BenchmarkLanes, type Burst, sendBurst } from './benchmark-burst.ts';
import type { BenchmarkPayloads } from './benchmark-payloads.ts';
import type { ProductionListener } from './production-watch.ts';
import { afterSystemMessage } from './system-message.ts';

export interface BenchmarkArgs {
  readonly plan: BenchmarkPlan;
  readonly lanes: BenchmarkLanes;
  readonly payloads: BenchmarkPayloads;
  readonly machine: Machine;
  /** Compares production; undefined: it is not watched. It knows what went on before. */
  readonly impact: ImpactTest | undefined;
  /** Hears of production transfers from now on. @returns a function that ends it */
  readonly watch: (listener: ProductionListener) => () => void;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** Monotonic, milliseconds with fractions. */
  readonly elapsedMs: () => number;
  readonly onProgress: (progress: BenchmarkProgress) => void;
  readonly onReport: (report: BenchmarkReport) => void;
}

export interface BenchmarkProgress {
  readonly phase: 'observing' | 'running' | 'assembling';
  /** 0..1, of visits or of the time limit, whichever is further. */
  readonly done: number;
  /** The round that is under way, counted from 1; warm-up rounds are 0. */
  readonly round: number;
  readonly rounds: number;
  readonly transfers: number;
  readonly failed: number;
  readonly elapsedMs: number;
  /** What is measured now. */
  readonly cell: BenchmarkCell | undefined;
}

export interface GetBenchmarkProgress extends Call<BenchmarkProgress> {
  readonly type: 'get_progress';
}
export interface CancelBenchmark {
  readonly type: 'cancel';
  readonly detail: string | undefined;
}
export type BenchmarkInfo =
  | { readonly type: 'step' }
  | { readonly type: 'time_is_over' }
  | { readonly type: 'sent'; readonly visit: Visit; readonly burst: Burst; readonly preparedMs: number }
  | { readonly type: 'production'; readonly records: readonly TransferRecord[] };

/** How long production is looked at before the start, where too little is known of it, milliseconds; and how much is enough. */
const OBSERVE_MS = 2_000;
const ENOUGH_BEFORE = 100;
/** Production transfers that ended within so many microseconds are judged as one. */
const MOMENT_US = 200_000;
const LOOK_EVERY_MS = 50;
/** Records that a moment holds at most. */
const MAX_MOMENT = 10_000;
/** Visits without one success after which there is nothing to wait for. */
const FAILING_AFTER = 20;
/** Milliseconds that a piece of the report may take; and all of it, where the runtime is about to stop. */
const SLICE_MS = 4;
const LAST_WORDS_MS = 1_000;
/** Milliseconds that transfers in flight may take to end when they are given up. */
const GRACE_MS = 5_000;

type BenchmarkSelf = Self<GetBenchmarkProgress, CancelBenchmark, BenchmarkInfo>;

interface State {
  readonly args: BenchmarkArgs;
  readonly cells: readonly BenchmarkCell[];
  readonly visits: Generator<Visit, void, void>;
  readonly tally: Tally;
  readonly throttle: Throttle;
  /** Fires when the transfers in flight are wanted no more. */
  readonly abort: AbortController;
  readonly unwatch: () => void;
  readonly startedAtMs: number;
  readonly startedMs: number;
  phase: BenchmarkProgress['phase'];
  /** When the look at production began; undefined while it is not the time for it. */
  observedFromMs: number;
  /** Whether production was looked at: once is enough. */
  observed: boolean;
  /** Production transfers that were not judged yet, in the order in which they ended. */
  moment: TransferRecord[];
  visit: Visit | undefined;
  visited: number;
  ended: { reason: EndReason; detail: string | undefined; atMs: number } | undefined;
  assembling: Generator<void, BenchmarkReport, void> | undefined;
}

export const benchmark: GenServer<BenchmarkArgs, State, GetBenchmarkProgress, CancelBenchmark, BenchmarkInfo> = {
  init(args, self) {
    self.trapExit(true);
    const cells = cellsOf(args.plan);
    const live = (args.impact?.before ?? 0) > 0;
    const known = (args.impact?.before ?? 0) >= ENOUGH_BEFORE;
    const nowMs = args.elapsedMs();
    self.sendAfter({ type: 'step' }, 0);
    self.sendAfter({ type: 'time_is_over' }, args.plan.timeLimitMs);
    return next.ok({
      args,
      cells,
      visits: schedule(args.plan, cells.length),
      tally: new Tally(),
      throttle: new Throttle(args.plan.share),
      abort: new AbortController(),
      unwatch: args.impact ? args.watch((records) => void send(self.ref, { type: 'production', records })) : () => {},
      startedAtMs: args.nowMs(),
      startedMs: nowMs,
      phase: live && !known ? 'observing' : 'running',
      observedFromMs: nowMs,
      observed: live,
      moment: [],
      visit: undefined,
      visited: 0,
      ended: undefined,
      assembling: undefined,
    });
  },
  handleCall(message, _from, state) {
    return next.replyTo(message, progressOf(state), state);
  },
  handleCast(message, state, self) {
    end(state, 'cancelled', message.detail, self);
    return next.noreply(state);
  },
  handleInfo(message, state, self) {
    switch (message.type) {
      case 'step':
        return step(state, self);
      case 'time_is_over':
        end(state, 'time_limit', undefined, self);
        return next.noreply(state);
      case 'sent':
        return measured(state, message.visit, message.burst, message.preparedMs, self);
      case 'production':
        seen(state, message.records, self);
        return next.noreply(state);
      default:
        return afterSystemMessage(message, state);
    }
  },
  terminate(reason, state) {
    state.abort.abort(new Error('the benchmark is over'));
    state.unwatch();
    // A runtime that stops still gets what was measured; a crash does not, since nobody knows what is wrong.
    if (reason === 'shutdown') reportAtOnce(state);
  },
};

function step(state: State, self: BenchmarkSelf): Next<State> {
  if (state.ended !== undefined) return assemble(state, self);
  const { tally } = state;
  if (state.phase === 'observing' && !observedEnough(state)) {
    self.sendAfter({ type: 'step' }, LOOK_EVERY_MS);
    return next.noreply(state);
  }
  state.phase = 'running';
  if (tally.lostFromTheStart >= FAILING_AFTER) return endNow(state, 'failing', tally.lastError, self);
  for (let looked = 0; looked < MAX_PASSED_OVER; looked += 1) {
    const { done, value: visit } = state.visits.next();
    if (done || visit === undefined) return endNow(state, 'complete', undefined, self);
    state.visited += 1;
    if (tally.gaveUp(visit)) continue;
    state.visit = visit;
    launch(state, visit, self);
    return next.noreply(state);
  }
  self.sendAfter({ type: 'step' }, 0);
  return next.noreply(state);
}

/** Visits that are left out at a time, where their lane has failed too often. */
const MAX_PASSED_OVER = 1_000;

/** What comes of it arrives as a message; a job that is dead by then takes no notice. */
function launch({ args, cells, abort }: State, visit: Visit, self: BenchmarkSelf): void {
  const cell = cells[visit.cell];
  if (cell === undefined) return;
  const { payloads, lanes, elapsedMs, plan } = args;
  const run = async (): Promise<void> => {
    const startedMs = elapsedMs();
    const payload = await payloads.of(cell);
    const preparedMs = elapsedMs() - startedMs;
    const { lane } = visit;
    const burst = await sendBurst({
      lanes,
      lane,
      cell,
      payload,
      pool: plan.pool ?? '',
      signal: abort.signal,
      elapsedMs,
    });
    send(self.ref, { type: 'sent', visit, burst, preparedMs });
  };
  // A host's `payload` that throws ends the job, and its result tells.
  run().catch((error: unknown) => self.exit(self.ref, error));
}

function measured(state: State, visit: Visit, burst: Burst, preparedMs: number, self: BenchmarkSelf): Next<State> {
  const { args, tally, throttle } = state;
  const restMs = throttle.worked(burst.busyMs + preparedMs);
  state.visit = undefined;
  // What was cut short says nothing.
  const warm = state.cells[visit.cell]?.memory === 'warm';
  if (state.ended === undefined) tally.add(toMeasured(visit, burst, warm), burst.transfers.length);
  args.onProgress(progressOf(state));
  self.sendAfter({ type: 'step' }, state.ended === undefined ? restMs : 0);
  return next.noreply(state);
}

function toMeasured(visit: Visit, { transfers }: Burst, warm: boolean): Measured {
  const latencies = transfers.flatMap(({ latencyUs }) => (latencyUs === undefined ? [] : [latencyUs]));
  return {
    ...visit,
    latencyUs: latencies.length === 0 ? undefined : median(latencies),
    failed: transfers.length - latencies.length,
    errorCode: transfers.find(({ errorCode }) => errorCode !== undefined)?.errorCode,
    otherMemory: transfers.filter(({ cost }) => cost.warm !== undefined && cost.warm !== warm).length,
  };
}

function seen(state: State, records: readonly TransferRecord[], self: BenchmarkSelf): void {
  const { impact, plan } = state.args;
  if (impact === undefined || state.ended !== undefined) return;
  const own = records.filter(({ pool }) => plan.pool === undefined || pool === plan.pool);
  if (own.length === 0) return;
  if (!state.observed) {
    // Production that nobody has seen without the benchmark: it is looked at alone first, once.
    state.observed = true;
    state.phase = 'observing';
    state.observedFromMs = state.args.elapsedMs();
    return;
  }
  for (const record of own) {
    if (state.phase === 'observing') impact.learn(record);
    else state.moment.push(record);
  }
  if (judgeMoments(state, impact)) end(state, 'production_impact', impactDetail(impact), self);
}

/** Judges the moments that are over: of the last one, more may come. @returns whether it is time to stop */
function judgeMoments(state: State, impact: ImpactTest, all = false): boolean {
  for (;;) {
    const [first] = state.moment;
    if (first === undefined) return impact.passed;
    const endUs = first.timestampUs + MOMENT_US;
    const rest = state.moment.findIndex(({ timestampUs }) => timestampUs > endUs);
    if (rest < 0 && !all && state.moment.length < MAX_MOMENT) return impact.passed;
    impact.judge(state.moment.splice(0, rest < 0 ? state.moment.length : rest));
  }
}

function impactDetail(impact: ImpactTest): string {
  const { medianRatio, during } = impact.summary();
  const by = medianRatio === undefined ? '' : `, the median by ${((medianRatio - 1) * 100).toFixed(0)} %`;
  return `over ${during} transfers since the start${by}`;
}

function observedEnough({ args, observedFromMs }: State): boolean {
  return (args.impact?.before ?? 0) >= ENOUGH_BEFORE || args.elapsedMs() - observedFromMs >= OBSERVE_MS;
}

/** Nothing more is begun; a burst in flight is given up, and its end is waited for. */
function end(state: State, reason: EndReason, detail: string | undefined, self: BenchmarkSelf): void {
  if (state.ended !== undefined) return;
  state.ended = { reason, detail, atMs: state.args.elapsedMs() };
  state.abort.abort(new Error('the benchmark is over'));
  // In a rest the next step is due late; one too many does no harm. A lane that does not heed its signal is not waited for beyond a while.
  self.sendAfter({ type: 'step' }, state.visit === undefined ? 0 : GRACE_MS);
}

function endNow(state: State, reason: EndReason, detail: string | undefined, self: BenchmarkSelf): Next<State> {
  end(state, reason, detail, self);
  return next.noreply(state);
}

/** The report in pieces, at the benchmark's share of the machine. */
function assemble(state: State, self: BenchmarkSelf): Next<State> {
  const { args, throttle } = state;
  if (state.visit !== undefined && args.elapsedMs() - (state.ended?.atMs ?? 0) < GRACE_MS) return next.noreply(state);
  if (state.assembling === undefined) {
    state.phase = 'assembling';
    state.assembling = assembly(state);
    args.onProgress(progressOf(state));
  }
  const startedMs = args.elapsedMs();
  for (;;) {
    const { done, value } = state.assembling.next();
    if (done) {
      args.onReport(value);
      return next.stop('normal', state);
    }
    const tookMs = args.elapsedMs() - startedMs;
    if (tookMs < SLICE_MS) continue;
    self.sendAfter({ type: 'step' }, throttle.worked(tookMs));
    return next.noreply(state);
  }
}

function reportAtOnce(state: State): void {
  const { elapsedMs, onReport } = state.args;
  const startedMs = elapsedMs();
  state.ended ??= { reason: 'shutdown', detail: undefined, atMs: startedMs };
  for (const report = assembly(state); elapsedMs() - startedMs < LAST_WORDS_MS; ) {
    const { done, value } = report.next();
    if (!done) continue;
    onReport(value);
    return;
  }
}

function assembly(state: State): Generator<void, BenchmarkReport, void> {
  const { args, tally, throttle, startedAtMs, startedMs } = state;
  if (args.impact) judgeMoments(state, args.impact, true);
  const facts: RunFacts = {
    startedAtMs,
    elapsedMs: args.elapsedMs() - startedMs,
    machine: args.machine,
    ended: { reason: state.ended?.reason ?? 'complete', detail: state.ended?.detail },
    busyMs: throttle.workedMs,
    production: args.impact?.summary(),
  };
  return assembleReport(args.plan, tally, facts);
}

function progressOf(state: State): BenchmarkProgress {
  const { args, cells, tally, visit } = state;
  const { plan } = args;
  const visits = cells.length * plan.lanes.length * (plan.warmUp + plan.repetitions);
  const elapsedMs = args.elapsedMs() - state.startedMs;
  const { measured: counted, warmUp, failed, rounds } = tally.totals;
  return {
    phase: state.phase,
    done: state.ended === undefined ? Math.min(1, Math.max(state.visited / visits, elapsedMs / plan.timeLimitMs)) : 1,
    round: rounds,
    rounds: plan.repetitions,
    transfers: counted + warmUp,
    failed,
    elapsedMs,
    cell: visit && cells[visit.cell],
  };
}
