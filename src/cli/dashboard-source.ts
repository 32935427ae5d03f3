/** The dashboard's figures as a host left them in its data directory: all but the supervision tree, and what only the host can do. */
import { AlertTable } from '../actors/adviser-alerts.ts';
import { ADVISER_STATE } from '../actors/names.ts';
import { explainRecord } from '../dashboard/facts.ts';
import type {
  Explanation,
  HostState,
  PoolKnowledge,
  PoolLive,
  PoolSummary,
  ThresholdStep,
} from '../dashboard/frames.ts';
import { curvesOf, kindsOf, thresholdsOf } from '../dashboard/knowledge.ts';
import { type DashboardSource, type LiveReading, MAX_POOLS } from '../dashboard/source.ts';
import { PoolTails } from '../dashboard/tails.ts';
import { formatLessons, lessons } from '../decision/lessons.ts';
import { PitwallError } from '../errors.ts';
import { checkedTuningState } from '../learning/threshold-state.ts';
import { AdviceBook } from '../metrics/analysis/advice/advice-book.ts';
import { Experiment } from '../metrics/analysis/experiment/experiment.ts';
import type { ExperimentReport } from '../metrics/analysis/experiment/types.ts';
import type { MetricsStore } from '../metrics/store-types.ts';
import type { PoolSlot } from '../snapshots.ts';
import { LiveStore } from './live-store.ts';
import { storedPool } from './stored-pool.ts';

/** Records that one refresh reads of a pool. Nobody waits for this process. */
const MAX_RECORDS = 20_000;
const RATE_S = 5;
const STEPS_SHOWN = 100;
const EXPERIMENTS_SHOWN = 20;
const LESSONS_EVERY_MS = 30_000;

export class DataFolderSource implements DashboardSource {
  readonly title: string;
  readonly canApply = false;
  readonly #store: LiveStore;
  readonly #tails = new PoolTails(MAX_RECORDS);
  readonly #lessons = new Map<string, { readonly atMs: number; readonly lines: readonly string[] }>();
  #live: ReadonlyMap<string, PoolLive> = new Map();

  constructor(dataDir: string) {
    this.title = dataDir;
    this.#store = new LiveStore(dataDir);
  }

  /** @throws UsageError, PitwallError where the directory cannot be read */
  async wake(): Promise<void> {
    await this.#store.open();
  }

  async rest(): Promise<void> {
    this.#tails.forget();
    this.#live = new Map();
    this.#lessons.clear();
    await this.#store.close();
  }

  async read(): Promise<LiveReading> {
    const store = await this.#store.current();
    const names = store.pools();
    const listed = names.slice(0, MAX_POOLS);
    this.#live = this.#tails.read(store, listed, Date.now() * 1000);
    return {
      status: statusOf([...this.#live.values()]),
      pools: [...this.#live.values()].map(summaryOf),
      morePools: names.length - listed.length,
      live: this.#live,
    };
  }

  async state(): Promise<HostState> {
    const store = await this.#store.current();
    const missing = ['the supervision tree: only the host itself can show it (runtime.dashboard.listen)'];
    const part = <T>(name: string, read: () => T, otherwise: T): T => {
      try {
        return read();
      } catch {
        missing.push(`${name}: what is stored cannot be read`);
        return otherwise;
      }
    };
    const book = part('advice', () => adviceOf(store), new AdviceBook());
    return {
      tree: undefined,
      restarts: undefined,
      refusals: undefined,
      alerts: part('alerts', () => alertsOf(store), []),
      advice: book.list(undefined),
      tracked: book.tracked(undefined),
      experiments: part('experiments', () => experimentsOf(store), []),
      missing,
    };
  }

  async knowledge(pool: string): Promise<PoolKnowledge | undefined> {
    const store = await this.#store.current();
    if (!store.pools().includes(pool)) return undefined;
    const slot = storedPool(store, pool);
    const kinds = kindsOf(this.#live.get(pool)?.recent ?? []);
    return {
      pool,
      ...(await curvesOf(slot, kinds, undefined)),
      lessons: this.#lessonsOf(
        slot,
        kinds.map(({ kind }) => kind),
      ),
      thresholds: thresholdsOf(slot),
      quickPathMinimum: slot.thresholds.quickPathMinimum,
      history: stepsOf(store, pool),
    };
  }

  async explain(transferId: string): Promise<Explanation | undefined> {
    const record = (await this.#store.current()).find(transferId);
    return record && explainRecord(record);
  }

  async apply(): Promise<void> {
    throw new PitwallError('PITWALL_ADVICE_NOT_APPLICABLE', 'only the host itself can apply advice');
  }

  #lessonsOf(slot: PoolSlot, kinds: Parameters<typeof lessons>[1]): readonly string[] {
    const held = this.#lessons.get(slot.pool);
    const nowMs = performance.now();
    if (held && nowMs - held.atMs < LESSONS_EVERY_MS) return held.lines;
    const lines = slot.costModel === undefined ? [] : formatLessons(lessons(slot, kinds));
    this.#lessons.set(slot.pool, { atMs: nowMs, lines });
    return lines;
  }
}

function statusOf(pools: readonly PoolLive[]) {
  const newestMs = Math.max(0, ...pools.map((pool) => pool.newestMs ?? 0));
  if (newestMs > 0) return { state: 'recorded', reasons: [`newest transfer ${new Date(newestMs).toISOString()}`] };
  return { state: 'quiet', reasons: ['no transfer in the last minute'] };
}

function summaryOf({ pool, series, lanes }: PoolLive): PoolSummary {
  const counts = [...series.grpc.count.slice(-RATE_S), ...series.zero_copy.count.slice(-RATE_S)];
  const { grpc, zero_copy: zeroCopy } = lanes;
  const transfers = grpc.transfers + zeroCopy.transfers;
  return {
    pool,
    ratePerS: counts.reduce((sum, count) => sum + count, 0) / RATE_S,
    zeroCopyShare: transfers === 0 ? undefined : zeroCopy.transfers / transfers,
    failures: grpc.failed + zeroCopy.failed,
    fallbacks: grpc.fallbacks + zeroCopy.fallbacks,
    ...{ decisions: undefined, explored: undefined, inFlight: undefined, goal: undefined },
    ...{ policyVersion: undefined, breaker: undefined, mode: undefined },
  };
}

function alertsOf(store: MetricsStore): readonly object[] {
  const table = new AlertTable();
  // Here nothing is over with a process: the host may be running.
  const over = table.restore(store.get(ADVISER_STATE.kind, ADVISER_STATE.alerts), Date.now());
  return [...table.active(), ...over].sort((a, b) => a.firstAtMs - b.firstAtMs);
}

function adviceOf(store: MetricsStore): AdviceBook {
  const book = new AdviceBook();
  book.restore(store.get(ADVISER_STATE.kind, ADVISER_STATE.advice));
  return book;
}

function experimentsOf(store: MetricsStore): readonly object[] {
  const reports: ExperimentReport[] = [];
  for (const [, stored] of store.entries('experiments')) reports.push(Experiment.fromJson(stored).report());
  return reports
    .sort((a, b) => b.startedAtMs - a.startedAtMs)
    .slice(0, EXPERIMENTS_SHOWN)
    .map((report) => ({ ...report, progress: [] }));
}

function stepsOf(store: MetricsStore, pool: string): readonly ThresholdStep[] {
  const stored = store.get('thresholds', pool);
  if (typeof stored !== 'object' || stored === null || !('thresholds' in stored)) return [];
  try {
    return checkedTuningState(stored.thresholds).history.slice(-STEPS_SHOWN);
  } catch {
    return [];
  }
}
