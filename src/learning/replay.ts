/**
 * Replays a paired trace as if it were live: a chooser sees each row without its latencies, only the chosen lane's latency is revealed, and that
 * when the transfer would have ended (predict first, learn when the answer arrives: River's progressive validation). Pure: time is the
 * trace's, randomness a seed, so that equal inputs give equal results, bit for bit.
 */
import { InvalidArgumentError } from '../errors.ts';
import { seededRandom } from './random.ts';
import { type Rivals, type SpanScore, scoreSpan } from './replay-score.ts';
import type { TraceRow } from './trace.ts';
import type { Features, Lane, LatencyEstimate, Observation } from './types.ts';

/** What a chooser answers for one row. */
export interface ReplayChoice {
  readonly method: Lane;
  readonly propensity: number;
  readonly explored: boolean;
  /** What it predicted, where it predicts. */
  readonly grpc: LatencyEstimate | undefined;
  readonly zeroCopy: LatencyEstimate | undefined;
  /** Under which the chooser knows the transfer again. */
  readonly transferId?: string;
}

/** Who is being replayed: the decision with all that learns behind it. */
export interface ReplayChooser {
  choose(row: ReplayRequest, random: () => number): ReplayChoice;
  learn(pool: string, observation: Observation, choice: ReplayChoice): void;
  /** Lets time pass until a row arrives, `nowMs` of the trace; resolves when everything that was learned is in force. */
  settle?(nowMs: number): Promise<void>;
  /** Trainings so far. */
  trainings?(): number;
}

/** A row as a decider may see it: without latencies. */
export type ReplayRequest = Omit<TraceRow, 'grpcUs' | 'zeroCopyUs' | 'grpcCpuUs' | 'zeroCopyCpuUs'> & {
  readonly features: Features;
};

export interface ReplayOptions {
  /** Default 1. */
  readonly seed?: number;
  /** Microseconds of a clock, to time decisions; without it decision times are 0. */
  readonly nowUs?: () => number;
  /** Called after each row, e.g. for a chart. */
  readonly onRow?: (progress: ReplayProgress) => void;
}

/** Regret so far: total time over that of each row's faster lane. */
export interface ReplayProgress {
  /** Rows so far. */
  readonly rows: number;
  readonly pitwall: number;
  readonly grpc: number;
  readonly zeroCopy: number;
}

export interface LanePrediction {
  /** Median of |actual - predicted| / predicted over the second half, both lanes of every row. */
  readonly medianError: number;
  /** Share of rows within 15 %. */
  readonly within15: number;
}

export interface ReplayResult extends SpanScore {
  readonly rows: number;
  readonly totalUs: Rivals;
  readonly secondHalf: SpanScore;
  readonly lastQuarter: SpanScore;
  /** Share of rows where the faster lane was chosen, and where the chosen one was at most 5 % slower. */
  readonly accuracy: number;
  readonly materialAccuracy: number;
  /** Rows that went against the belief. */
  readonly explored: number;
  readonly trainings: number;
  readonly prediction: { readonly grpc: LanePrediction; readonly zeroCopy: LanePrediction };
  /** Share of the second half's chosen latencies within their 90 % interval. */
  readonly coverage90: number;
  readonly decisionUs: { readonly p50: number; readonly p99: number };
  /** Of the lanes that were chosen, over the whole trace, microseconds. */
  readonly latencyUs: ReplayLatency;
  /** Bytes per microsecond, which are 10^6 bytes per second: mean of each transfer's. */
  readonly throughputMBps: number;
}

export interface ReplayLatency {
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
}

/** Rejects with InvalidArgumentError for a trace without rows. */
export async function replay(
  rows: readonly TraceRow[],
  chooser: ReplayChooser,
  options: ReplayOptions = {},
): Promise<ReplayResult> {
  if (rows.length === 0) throw new InvalidArgumentError('rows', rows, 'at least one usable row');
  const random = seededRandom(options.seed ?? 1);
  const nowUs = options.nowUs ?? (() => 0);
  const log = new ReplayLog(rows);
  const pending = new PendingAnswers(chooser);
  for (const row of rows) {
    pending.deliver(row.atMs);
    await chooser.settle?.(row.atMs);
    const request = toRequest(row);
    const startUs = nowUs();
    const choice = chooser.choose(request, random);
    log.add(row, choice, nowUs() - startUs);
    pending.add(row, request.features, choice);
    options.onRow?.(log.progress);
  }
  return log.result(chooser.trainings?.() ?? 0);
}

/** Latencies on their way back: a transfer teaches when it has ended, not when it was launched. */
class PendingAnswers {
  readonly #chooser: ReplayChooser;
  #answers: Answer[] = [];

  constructor(chooser: ReplayChooser) {
    this.#chooser = chooser;
  }

  add(row: TraceRow, features: Features, choice: ReplayChoice): void {
    const { method, propensity } = choice;
    const latencyUs = method === 'grpc' ? row.grpcUs : row.zeroCopyUs;
    const cpuTimeUs = method === 'grpc' ? row.grpcCpuUs : row.zeroCopyCpuUs;
    const endMs = row.atMs + latencyUs / 1000;
    const observation = { ...features, method, latencyUs, cpuTimeUs, atMs: endMs, propensity };
    this.#answers.push({ endMs, pool: row.pool, observation, choice });
  }

  deliver(nowMs: number): void {
    const due = this.#answers.filter((answer) => answer.endMs <= nowMs).sort((left, right) => left.endMs - right.endMs);
    if (due.length === 0) return;
    this.#answers = this.#answers.filter((answer) => answer.endMs > nowMs);
    for (const { pool, observation, choice } of due) this.#chooser.learn(pool, observation, choice);
  }
}

interface Answer {
  readonly endMs: number;
  readonly pool: string;
  readonly observation: Observation;
  readonly choice: ReplayChoice;
}

/** What happened, and its scores. */
class ReplayLog {
  readonly #rows: readonly TraceRow[];
  readonly #choices: Lane[] = [];
  readonly #errors = { grpc: [] as number[], zeroCopy: [] as number[] };
  readonly #decisionUs: number[] = [];
  readonly #latencyUs: number[] = [];
  #faster = 0;
  #material = 0;
  #explored = 0;
  #covered = 0;
  #intervals = 0;
  #totalUs = 0;
  #oracleUs = 0;
  #grpcUs = 0;
  #zeroCopyUs = 0;
  #throughput = 0;

  constructor(rows: readonly TraceRow[]) {
    this.#rows = rows;
  }

  get progress(): ReplayProgress {
    const oracle = this.#oracleUs;
    const [pitwall, grpc, zeroCopy] = [this.#totalUs / oracle, this.#grpcUs / oracle, this.#zeroCopyUs / oracle];
    return { rows: this.#choices.length, pitwall, grpc, zeroCopy };
  }

  add(row: TraceRow, choice: ReplayChoice, decisionUs: number): void {
    const actual = choice.method === 'grpc' ? row.grpcUs : row.zeroCopyUs;
    const best = Math.min(row.grpcUs, row.zeroCopyUs);
    const secondHalf = this.#choices.length >= Math.floor(this.#rows.length / 2);
    this.#choices.push(choice.method);
    this.#decisionUs.push(decisionUs);
    this.#latencyUs.push(actual);
    this.#totalUs += actual;
    this.#oracleUs += best;
    this.#grpcUs += row.grpcUs;
    this.#zeroCopyUs += row.zeroCopyUs;
    this.#throughput += row.dataSize / actual;
    if (actual === best) this.#faster += 1;
    if (actual <= 1.05 * best) this.#material += 1;
    if (choice.explored) this.#explored += 1;
    if (secondHalf) this.#predicted(row, choice, actual);
  }

  #predicted(row: TraceRow, choice: ReplayChoice, actual: number): void {
    const { grpc, zeroCopy } = choice;
    if (grpc !== undefined) this.#errors.grpc.push(Math.abs(row.grpcUs - grpc.latencyUs) / grpc.latencyUs);
    if (zeroCopy !== undefined) {
      this.#errors.zeroCopy.push(Math.abs(row.zeroCopyUs - zeroCopy.latencyUs) / zeroCopy.latencyUs);
    }
    const interval = (choice.method === 'grpc' ? grpc : zeroCopy)?.intervalUs;
    if (interval === undefined) return;
    this.#intervals += 1;
    if (actual >= interval[0] && actual <= interval[1]) this.#covered += 1;
  }

  result(trainings: number): ReplayResult {
    const rows = this.#rows;
    const count = rows.length;
    const span = (from: number): SpanScore => {
      const { regret, slowdown } = scoreSpan(rows.slice(from), this.#choices.slice(from));
      return { regret, slowdown };
    };
    const { totalUs, regret, slowdown } = scoreSpan(rows, this.#choices);
    return {
      rows: count,
      totalUs,
      regret,
      slowdown,
      secondHalf: span(Math.floor(count / 2)),
      lastQuarter: span(Math.floor((count * 3) / 4)),
      accuracy: this.#faster / count,
      materialAccuracy: this.#material / count,
      explored: this.#explored,
      trainings,
      prediction: { grpc: summary(this.#errors.grpc), zeroCopy: summary(this.#errors.zeroCopy) },
      coverage90: this.#intervals === 0 ? 0 : this.#covered / this.#intervals,
      decisionUs: { p50: quantile(this.#decisionUs, 0.5), p99: quantile(this.#decisionUs, 0.99) },
      latencyUs: latencyOf(this.#latencyUs),
      throughputMBps: this.#throughput / count,
    };
  }
}

function toRequest(row: TraceRow): ReplayRequest {
  const { grpcUs: _grpc, zeroCopyUs: _zeroCopy, grpcCpuUs: _grpcCpu, zeroCopyCpuUs: _zeroCopyCpu, ...seen } = row;
  const { dataSize, dataType, format, compression, systemLoad, availableMemory, inFlight, warmBytes } = seen;
  const warm = warmBytes === undefined ? undefined : dataSize <= warmBytes;
  const hourOfDay = Math.floor(row.atMs / 3_600_000) % 24;
  return {
    ...seen,
    features: { dataSize, dataType, format, compression, warm, systemLoad, availableMemory, inFlight, hourOfDay },
  };
}

function latencyOf(values: readonly number[]): ReplayLatency {
  return {
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
    min: quantile(values, 0),
    max: quantile(values, 1),
    p50: quantile(values, 0.5),
    p95: quantile(values, 0.95),
    p99: quantile(values, 0.99),
    p999: quantile(values, 0.999),
  };
}

function summary(errors: readonly number[]): LanePrediction {
  if (errors.length === 0) return { medianError: 0, within15: 0 };
  return {
    medianError: quantile(errors, 0.5),
    within15: errors.filter((error) => error <= 0.15).length / errors.length,
  };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
