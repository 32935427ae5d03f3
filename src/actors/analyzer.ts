/**
 * `analyzer`: follows every finished transfer. Keeps what is asked for often (recent latency and prediction error per pool and lane) in memory,
 * watches a baseline per kind of transfer and tells what became slower, beside what happened then, and answers questions about any range of
 * time from the store.
 */
import type { JsonValue } from '../learning/types.ts';
import type { OutlierReport } from '../metrics/analysis/outlier-causes.ts';
import type { Profile } from '../metrics/analysis/profile.ts';
import type { TransferRecord } from '../metrics/record.ts';
import type { SeriesPoint, StoreStatistics } from '../metrics/statistics.ts';
import type { RecordsQuery, SeriesQuery, StatisticsQuery, TimeRange } from '../metrics/store-types.ts';
import { type Call, type From, type GenServer, next, reply, type Self } from '../otp/index.ts';
import type { AlertContent } from './adviser.ts';
import { AlarmBook } from './alarm-book.ts';
import { type LaneTrend, LaneTrends } from './lane-trends.ts';
import type { MachineHistory } from './machine-history.ts';
import { anomalies, type LaneBottlenecks, laneBottlenecks, profileOf } from './record-questions.ts';
import { describeGroup, type RegressionGroup, regressionGroups } from './regression-report.ts';
import { type KindBaseline, RegressionWatch } from './regression-watch.ts';
import { afterSystemMessage } from './system-message.ts';
import type { Occurrence, Timeline } from './timeline.ts';
import { TimelineKeeper, type TimelineStorage } from './timeline-keeper.ts';

export interface AnalyzerArgs {
  readonly statistics: (query: StatisticsQuery) => Promise<StoreStatistics>;
  readonly series: (query: SeriesQuery) => Promise<readonly SeriesPoint[]>;
  readonly records: (query: RecordsQuery) => Promise<readonly TransferRecord[]>;
  /** What happened beside the transfers, and how the machine was. Written by others, read here. */
  readonly timeline: Timeline;
  readonly machine: MachineHistory;
  readonly baselines: {
    /** Every pool's baselines as they were stored; rejects while the store is down. */
    restore(): Promise<readonly (readonly [pool: string, value: JsonValue])[]>;
    persist(pool: string, value: JsonValue): void;
  };
  readonly occurrences: TimelineStorage;
  /** Relative rise of a median that is a regression; undefined: they are not looked for. */
  readonly regressionThreshold: number | undefined;
  readonly raise: (alert: AlertContent) => void;
  readonly resolve: (key: string) => void;
  /** Lanes kept; beyond it the least recently used goes. Default 1024. */
  readonly maxLanes?: number;
}

/** The store answered, or it is down and why. */
export type QueryOutcome<T> =
  | { readonly type: 'ok'; readonly value: T }
  | { readonly type: 'unavailable'; readonly reason: unknown };

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
export interface DetectRegressions extends Call<readonly RegressionGroup[]> {
  readonly type: 'detect_regressions';
  readonly pool: string | undefined;
}
/** Makes the present of a pool's regressed kinds (or of one) the new normal. Answers how many alarms that ended. */
export interface AcceptRegressions extends Call<number> {
  readonly type: 'accept_regressions';
  readonly pool: string;
  readonly key: string | undefined;
}
export interface GetBaselines extends Call<readonly KindBaseline[]> {
  readonly type: 'get_baselines';
  readonly pool: string | undefined;
}
export interface GetTimeline extends Call<readonly Occurrence[]> {
  readonly type: 'get_timeline';
  readonly range: TimeRange;
  readonly pool: string | undefined;
}
export interface QueryBottlenecks extends Call<QueryOutcome<LaneBottlenecks>> {
  readonly type: 'query_bottlenecks';
  readonly query: RecordsQuery;
}
export interface QueryProfile extends Call<QueryOutcome<Profile>> {
  readonly type: 'query_profile';
  readonly query: RecordsQuery;
}
export interface QueryAnomalies extends Call<QueryOutcome<OutlierReport>> {
  readonly type: 'query_anomalies';
  readonly query: RecordsQuery;
}
/** Hands baselines and occurrences to the store at once. */
export interface PersistAnalysis extends Call<'ok'> {
  readonly type: 'persist_analysis';
}

export interface AnalyzeRecords {
  readonly type: 'observed';
  readonly records: readonly TransferRecord[];
}

export interface AssessAlarms {
  readonly type: 'assess';
}
export interface KeepBaselines {
  readonly type: 'persist';
}
export interface RestoreAnalysis {
  readonly type: 'restore';
}

export type AnalyzerCall =
  | GetTrends
  | QueryStatistics
  | QuerySeries
  | DetectRegressions
  | AcceptRegressions
  | GetBaselines
  | GetTimeline
  | QueryBottlenecks
  | QueryProfile
  | QueryAnomalies
  | PersistAnalysis;
export type AnalyzerInfo = AssessAlarms | KeepBaselines | RestoreAnalysis;

interface State {
  readonly args: AnalyzerArgs;
  readonly trends: LaneTrends;
  readonly watch: RegressionWatch;
  readonly alarms: AlarmBook;
  readonly keeper: TimelineKeeper;
  /** False until the store answered: baselines that are there must not be overwritten unread. */
  restored: boolean;
  assessing: boolean;
}

type Analyzer = Self<AnalyzerCall, AnalyzeRecords, AnalyzerInfo>;

/** Milliseconds in which alarms gather before they are told: what has one cause comes within moments. */
const ASSESS_AFTER_MS = 1_000;
const PERSIST_EVERY_MS = 10_000;
const RESTORE_AGAIN_MS = 2_000;

export const analyzer: GenServer<AnalyzerArgs, State, AnalyzerCall, AnalyzeRecords, AnalyzerInfo> = {
  init(args, self) {
    self.trapExit(true);
    const threshold = args.regressionThreshold;
    const state: State = {
      args,
      trends: new LaneTrends(args.maxLanes),
      watch: new RegressionWatch(threshold === undefined ? {} : { threshold }),
      alarms: new AlarmBook(args),
      keeper: new TimelineKeeper(args.timeline, args.occurrences),
      restored: false,
      assessing: false,
    };
    self.sendAfter({ type: 'restore' }, 0);
    self.sendAfter({ type: 'persist' }, PERSIST_EVERY_MS);
    return next.ok(state);
  },
  handleCall(message, from, state, self) {
    const { args, watch } = state;
    switch (message.type) {
      case 'get_trends':
        return next.reply(state.trends.list(message.pool), state);
      case 'query_statistics':
        answerLater(from, args.statistics(message.query));
        return next.noreply(state);
      case 'query_series':
        answerLater(from, args.series(message.query));
        return next.noreply(state);
      case 'detect_regressions':
        return next.reply(regressionGroups(watch.active(message.pool), args), state);
      case 'accept_regressions': {
        const accepted = watch.accept(message.pool, message.key);
        if (accepted.length > 0) assessSoon(state, self);
        return next.reply(accepted.length, state);
      }
      case 'get_baselines':
        return next.reply(watch.baselines(message.pool), state);
      case 'get_timeline': {
        const { fromUs = 0, toUs = Number.POSITIVE_INFINITY } = message.range;
        return next.reply(args.timeline.between(fromUs, toUs, message.pool), state);
      }
      case 'query_bottlenecks':
        answerLater(from, args.records(message.query).then(laneBottlenecks));
        return next.noreply(state);
      case 'query_profile':
        answerLater(from, args.records(message.query).then(profileOf));
        return next.noreply(state);
      case 'query_anomalies':
        answerLater(
          from,
          args.records(message.query).then((records) => anomalies(records, args)),
        );
        return next.noreply(state);
      case 'persist_analysis':
        persist(state);
        return next.reply('ok' as const, state);
      default:
        return message satisfies never;
    }
  },
  handleCast(message, state, self) {
    for (const record of message.records) {
      state.trends.observe(record);
      if (state.args.regressionThreshold !== undefined && state.watch.observe(record)) assessSoon(state, self);
    }
    return next.noreply(state);
  },
  async handleInfo(message, state, self) {
    switch (message.type) {
      case 'assess':
        state.assessing = false;
        assess(state);
        return next.noreply(state);
      case 'persist':
        persist(state);
        self.sendAfter({ type: 'persist' }, PERSIST_EVERY_MS);
        return next.noreply(state);
      case 'restore':
        await restore(state, self);
        return next.noreply(state);
      default:
        return afterSystemMessage(message, state);
    }
  },
  terminate: (_reason, state) => persist(state),
};

/** The store may take its time over a long range; the analyzer goes on meanwhile. */
function answerLater<T>(from: From<QueryOutcome<NoInfer<T>>>, answer: Promise<T>): void {
  answer.then(
    (value) => reply(from, { type: 'ok', value }),
    (reason) => reply(from, { type: 'unavailable', reason }),
  );
}

function assessSoon(state: State, self: Analyzer): void {
  if (state.assessing) return;
  state.assessing = true;
  self.sendAfter({ type: 'assess' }, ASSESS_AFTER_MS);
}

function assess(state: State): void {
  const groups = regressionGroups(state.watch.active(), state.args);
  state.alarms.show(groups, (group) => describeGroup(group, state.args.records));
}

function persist(state: State): void {
  const { args, watch, keeper } = state;
  if (!state.restored) return;
  keeper.save();
  for (const pool of watch.takeChanged()) args.baselines.persist(pool, watch.toJson(pool));
}

/** Takes what is stored; while the store is down, tries again later and meanwhile follows what comes. */
async function restore(state: State, self: Analyzer): Promise<void> {
  try {
    for (const [pool, value] of await state.args.baselines.restore()) state.watch.restore(pool, value);
    await state.keeper.restore();
  } catch {
    self.sendAfter({ type: 'restore' }, RESTORE_AGAIN_MS);
    return;
  }
  state.restored = true;
  if (state.watch.active().length > 0) assessSoon(state, self);
}
