/**
 * `analyzer`: follows every finished transfer, keeps what is asked for often (recent latency and prediction error per pool and lane) in
 * memory, and answers questions about any time range from the store.
 */
import type { Method } from '../decision/types.ts';
import type { TransferRecord } from '../metrics/record.ts';
import type { SeriesPoint, StoreStatistics } from '../metrics/statistics.ts';
import type { SeriesQuery, StatisticsQuery } from '../metrics/store-types.ts';
import { type Call, type From, type GenServer, next, reply } from '../otp/index.ts';

/** One lane of a pool over its recent successes: exponentially weighted, about the last hundred transfers. */
export interface LaneTrend {
  readonly pool: string;
  readonly method: Method;
  readonly successes: number;
  readonly failures: number;
  readonly meanLatencyUs: number;
  readonly meanThroughputMBps: number;
  /** Mean of |actual - predicted| / predicted, over transfers that had a prediction; undefined before the first. */
  readonly meanPredictionError: number | undefined;
  readonly lastAtMs: number;
}

export interface AnalyzerArgs {
  readonly statistics: (query: StatisticsQuery) => Promise<StoreStatistics>;
  readonly series: (query: SeriesQuery) => Promise<readonly SeriesPoint[]>;
  /** Lanes kept; beyond it the least recently used goes. Default 1024. */
  readonly maxLanes?: number;
}

export interface GetTrends extends Call<readonly LaneTrend[]> {
  readonly type: 'get_trends';
  readonly pool: string | undefined;
}
export interface QueryStatistics extends Call<QueryOutcome<StoreStatistics>> {
  readonly type: 'query_statistics';
  readonly query: StatisticsQuery;
}
export interface QuerySeries extends Call<QueryOutcome<readonly SeriesPoint[]>> {
  readonly type: 'query_series';
  readonly query: SeriesQuery;
}
/** The store answered, or it is down and why. */
export type QueryOutcome<T> =
  | { readonly type: 'ok'; readonly value: T }
  | { readonly type: 'unavailable'; readonly reason: unknown };

export interface AnalyzeRecords {
  readonly type: 'observed';
  readonly records: readonly TransferRecord[];
}

export type AnalyzerCall = GetTrends | QueryStatistics | QuerySeries;

interface State {
  readonly args: AnalyzerArgs;
  readonly lanes: Map<string, LaneTrend>;
}

/** Weight of a new transfer in the moving averages. */
const WEIGHT = 0.02;
const DEFAULT_MAX_LANES = 1024;

export const analyzer: GenServer<AnalyzerArgs, State, AnalyzerCall, AnalyzeRecords> = {
  init: (args) => next.ok({ args, lanes: new Map() }),
  handleCall(message, from, state) {
    switch (message.type) {
      case 'get_trends': {
        const { pool } = message;
        const trends = [...state.lanes.values()].filter((trend) => pool === undefined || trend.pool === pool);
        return next.reply(trends, state);
      }
      case 'query_statistics':
        answerLater(from, state.args.statistics(message.query));
        return next.noreply(state);
      case 'query_series':
        answerLater(from, state.args.series(message.query));
        return next.noreply(state);
      default:
        return message satisfies never;
    }
  },
  handleCast(message, state) {
    for (const record of message.records) follow(state, record);
    return next.noreply(state);
  },
};

/** The store may take its time over a long range; the analyzer goes on meanwhile. */
function answerLater<T>(from: From<QueryOutcome<T>>, answer: Promise<T>): void {
  answer.then(
    (value) => reply(from, { type: 'ok', value }),
    (reason) => reply(from, { type: 'unavailable', reason }),
  );
}

function follow(state: State, record: TransferRecord): void {
  const key = `${record.method}\u0000${record.pool}`;
  const known = state.lanes.get(key);
  state.lanes.delete(key);
  state.lanes.set(key, known ? updated(known, record) : fresh(record));
  if (state.lanes.size <= (state.args.maxLanes ?? DEFAULT_MAX_LANES)) return;
  const leastRecent = state.lanes.keys().next().value;
  if (leastRecent !== undefined) state.lanes.delete(leastRecent);
}

function fresh(record: TransferRecord): LaneTrend {
  const success = record.outcome === 'success';
  return {
    pool: record.pool,
    method: record.method,
    successes: success ? 1 : 0,
    failures: record.outcome === 'failed' ? 1 : 0,
    meanLatencyUs: success ? record.latencyUs : 0,
    meanThroughputMBps: success ? record.throughputMBps : 0,
    meanPredictionError: success ? record.predictionError : undefined,
    lastAtMs: record.timestampUs / 1000,
  };
}

function updated(trend: LaneTrend, record: TransferRecord): LaneTrend {
  const lastAtMs = record.timestampUs / 1000;
  if (record.outcome === 'failed') return { ...trend, failures: trend.failures + 1, lastAtMs };
  if (record.outcome === 'ignored') return { ...trend, lastAtMs };
  // Until there are enough, a plain mean: the first transfers must not weigh for ever.
  const weight = Math.max(WEIGHT, 1 / (trend.successes + 1));
  const mix = (mean: number, value: number): number => mean + weight * (value - mean);
  const error = record.predictionError;
  return {
    ...trend,
    successes: trend.successes + 1,
    meanLatencyUs: mix(trend.meanLatencyUs, record.latencyUs),
    meanThroughputMBps: mix(trend.meanThroughputMBps, record.throughputMBps),
    meanPredictionError:
      error === undefined ? trend.meanPredictionError : mix(trend.meanPredictionError ?? error, error),
    lastAtMs,
  };
}
