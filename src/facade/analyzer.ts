import type { QueryOutcome } from '../actors/analyzer.ts';
import type { BenchmarkLanes } from '../actors/benchmark-burst.ts';
import type { Destinations } from '../actors/destinations.ts';
import type { LaneTrend } from '../actors/lane-trends.ts';
import type { LaneBottlenecks } from '../actors/record-questions.ts';
import type { RegressionGroup } from '../actors/regression-report.ts';
import type { KindBaseline } from '../actors/regression-watch.ts';
import type { Occurrence } from '../actors/timeline.ts';
import { InvalidArgumentError, PitwallError } from '../errors.ts';
import type { Decider } from '../hot-path/decider.ts';
import type { BenchmarkScenario } from '../metrics/analysis/benchmark/types.ts';
import type { OutlierReport } from '../metrics/analysis/outlier-causes.ts';
import type { Profile } from '../metrics/analysis/profile.ts';
import type { SeriesPoint, StoreStatistics } from '../metrics/statistics.ts';
import type { RecordsQuery, SeriesQuery, StatisticsQuery, TimeRange } from '../metrics/store-types.ts';
import { call, describeReason } from '../otp/index.ts';
import type { BenchmarkJob, BenchmarkOptions, Benchmarks } from './benchmark.ts';

/** Records of one pool: its latest ones of a range, by `method` and `outcome` where given. */
export type PoolRecordsQuery = Omit<RecordsQuery, 'reverse'> & { readonly pool: string };

/** `runtime.analyzer`: what was measured, over any range of time. */
export class Analyzer {
  readonly #destinations: Destinations;
  readonly #decider: Decider;
  readonly #benchmarks: Benchmarks;

  constructor(destinations: Destinations, decider: Decider, benchmarks: Benchmarks) {
    this.#destinations = destinations;
    this.#decider = decider;
    this.#benchmarks = benchmarks;
  }

  /** The same as `runtime.recordTransferMetrics`: never blocks, never throws. */
  recordMetrics(transferId: string, metrics: unknown): void {
    this.#decider.record(transferId, metrics);
  }

  /**
   * Count, mean, P50, P95, P99, P99.9 of every measured quantity over a range of time.
   * @throws PitwallError `PITWALL_STORE_UNAVAILABLE` while the store is down; CallError while the analyzer is
   */
  async getStatistics(query: StatisticsQuery): Promise<StoreStatistics> {
    return value(await call(this.#destinations.analyzer, { type: 'query_statistics', query }));
  }

  /** The same per slice of time, 1 s to 1 h each. */
  async series(query: SeriesQuery): Promise<readonly SeriesPoint[]> {
    return value(await call(this.#destinations.analyzer, { type: 'query_series', query }));
  }

  /**
   * Measures both lanes under every configuration of a scenario, in interleaved order, at a share of the machine (5 % unless told otherwise), and stops by
   * itself when production gets slower. Its transfers are not recorded and teach nothing. `docs/benchmarks.md` says what the figures mean.
   *
   * @param lanes as `runtime.transfer` takes them, or `workers.lanes(command)` of a worker pool. Default: a worker process of the benchmark's own.
   * @returns at once, when the job has started
   * @throws ConfigError `PITWALL_INVALID_SCENARIO` naming every field that is wrong; InvalidArgumentError for lanes or options; PitwallError
   *   `PITWALL_BENCHMARK_BUSY` where four run already, `PITWALL_RUNTIME_STOPPED`
   * @example
   * const job = await runtime.analyzer.runBenchmark({ pool: 'ml', types: ['tensor', 'json'] }, workers.lanes('normalize'));
   * for await (const { done } of job) console.log(`${(done * 100).toFixed(0)} %`);
   * console.log(benchmarkText(await job.result));
   */
  runBenchmark<D = unknown>(
    scenario?: BenchmarkScenario<D>,
    lanes?: BenchmarkLanes<D>,
    options?: BenchmarkOptions,
  ): Promise<BenchmarkJob> {
    return this.#benchmarks.run(scenario, lanes, options);
  }

  /**
   * Kinds of transfers (lane, type, size band, compression, warmth) that have become slower than they were, those that began together as one
   * group with what happened then, the nearest first. A group stays until all of it is as before, or accepted.
   *
   * @param pool default: all pools
   */
  detectRegressions(pool?: string): Promise<readonly RegressionGroup[]> {
    return call(this.#destinations.analyzer, { type: 'detect_regressions', pool });
  }

  /**
   * Makes the present the new normal, of one kind or of all of the pool that have become slower.
   *
   * @param key of a `RegressionGroup`'s alarm
   * @returns how many alarms that ended
   */
  async acceptRegressions(pool: string, key?: string): Promise<number> {
    if (typeof pool !== 'string') throw new InvalidArgumentError('pool', pool, 'the name of a pool');
    return call(this.#destinations.analyzer, { type: 'accept_regressions', pool, key });
  }

  /** What is usual: median and scatter of each kind of transfers, and how far it has been learned. */
  baselines(pool?: string): Promise<readonly KindBaseline[]> {
    return call(this.#destinations.analyzer, { type: 'get_baselines', pool });
  }

  /** Where the time of each lane's transfers goes: setup, serialize, transport, worker, cleanup, wait. Over at most 2 000 of each lane, evenly taken from the latest 20 000 records. */
  async bottlenecks(query: PoolRecordsQuery): Promise<LaneBottlenecks> {
    return value(await call(this.#destinations.analyzer, { type: 'query_bottlenecks', query: latest(query) }));
  }

  /**
   * Transfers that stand out among those of their kind (robust z-score of log latency above 3.5), each with what went on in its time: collections,
   * event-loop delay, load, queueing, cold memory, restarts. A cause is named where it accounts for the time, or where outliers met it more often
   * than chance explains. Over at most the latest 5 000 records.
   */
  async anomalies(query: PoolRecordsQuery): Promise<OutlierReport> {
    return value(await call(this.#destinations.analyzer, { type: 'query_anomalies', query: latest(query) }));
  }

  /**
   * How latency goes with size, load, transfers in flight and memory, with compression, warmth, type, format and lane. Over at most 2 000 of the
   * range's latest 20 000 records, evenly taken.
   */
  async profile(query: PoolRecordsQuery): Promise<Profile> {
    return value(await call(this.#destinations.analyzer, { type: 'query_profile', query: latest(query) }));
  }

  /** What happened beside the transfers: annotations, policy changes, restarts, rises of load. In order of time. */
  timeline(range: TimeRange = {}, pool?: string): Promise<readonly Occurrence[]> {
    return call(this.#destinations.analyzer, { type: 'get_timeline', range, pool });
  }

  /** Moving averages per pool and lane, over about the last hundred transfers. */
  trends(pool?: string): Promise<readonly LaneTrend[]> {
    return call(this.#destinations.analyzer, { type: 'get_trends', pool });
  }
}

function latest(query: PoolRecordsQuery): RecordsQuery {
  const { pool } = query;
  if (typeof pool !== 'string') throw new InvalidArgumentError('query.pool', pool, 'the name of a pool');
  return { ...query, reverse: true };
}

function value<T>(outcome: QueryOutcome<T>): T {
  if (outcome.type === 'ok') return outcome.value;
  // A question that makes no sense is the asker's, not the store's.
  if (outcome.reason instanceof PitwallError && outcome.reason.code === 'PITWALL_INVALID_ARGUMENT')
    throw outcome.reason;
  throw new PitwallError('PITWALL_STORE_UNAVAILABLE', `the store did not answer: ${describeReason(outcome.reason)}`, {
    cause: outcome.reason,
  });
}
