/** The dashboard's figures of the runtime in this process. */

import type { Alert } from '../actors/adviser.ts';
import { explainDecision, explainRecord } from '../dashboard/facts.ts';
import type { Explanation, HostState, PoolKnowledge, PoolLive, PoolSummary } from '../dashboard/frames.ts';
import { curvesOf, kindsOf, thresholdsOf } from '../dashboard/knowledge.ts';
import { type DashboardSource, type LiveReading, MAX_POOLS } from '../dashboard/source.ts';
import { PoolTails } from '../dashboard/tails.ts';
import type { PoolStatistics } from '../wiring/brain.ts';
import type { Engine } from '../wiring/engine.ts';
import type { AdviceApi } from './advice.ts';
import type { Experiments } from './experiments.ts';
import type { Thresholds } from './thresholds.ts';

/** What of the facade it asks. */
export interface DashboardParts {
  readonly advice: AdviceApi;
  readonly experiments: Experiments;
  readonly thresholds: Thresholds;
  readonly alerts: () => Promise<readonly Alert[]>;
}

/** Records that one look reads of a pool: about a millisecond of the host's time. */
const MAX_RECORDS = 500;
/** Rates are over so much time. */
const RATE_MS = 5_000;
const STEPS_SHOWN = 100;
const EXPERIMENTS_SHOWN = 20;
const TRACKED_SHOWN = 20;

interface Reading {
  readonly atMs: number;
  readonly pools: ReadonlyMap<string, PoolStatistics>;
}

export class RuntimeSource implements DashboardSource {
  readonly title = `process ${process.pid}`;
  readonly canApply = true;
  readonly #engine: Engine;
  readonly #parts: DashboardParts;
  readonly #tails = new PoolTails(MAX_RECORDS);
  #readings: Reading[] = [];
  #live: ReadonlyMap<string, PoolLive> = new Map();

  constructor(engine: Engine, parts: DashboardParts) {
    this.#engine = engine;
    this.#parts = parts;
  }

  async wake(): Promise<void> {
    this.#readings = [];
  }

  async rest(): Promise<void> {
    this.#readings = [];
    this.#tails.forget();
    this.#live = new Map();
  }

  async read(watched: readonly string[]): Promise<LiveReading> {
    const { brain, store } = this.#engine;
    const names = [...brain.board.slots()].map(({ pool }) => pool).sort();
    const known = watched.filter((pool) => brain.board.slot(pool) !== undefined);
    const listed = names.slice(0, MAX_POOLS);
    const pools = new Map(listed.flatMap((pool) => toEntry(pool, brain.statistics(pool))));
    const now = { atMs: performance.now(), pools };
    this.#readings = [...this.#readings.filter(({ atMs }) => now.atMs - atMs < RATE_MS), now];
    const nowUs = this.#engine.system.clock.now() * 1000;
    this.#live = store === undefined ? new Map() : this.#tails.read(store, known, nowUs);
    return {
      status: this.#engine.status(),
      pools: [...pools.values()].map((statistics) => this.#summary(statistics, now)),
      morePools: names.length - listed.length,
      live: this.#live,
    };
  }

  async state(): Promise<HostState> {
    const { advice, experiments, alerts } = this.#parts;
    const missing: string[] = [];
    const ask = async <T>(name: string, question: () => Promise<readonly T[]>): Promise<readonly T[]> => {
      try {
        return await question();
      } catch {
        missing.push(`${name}: whoever knows is down`);
        return [];
      }
    };
    const [active, standing, tracked, tried] = await Promise.all([
      ask('alerts', alerts),
      ask('recommendations', () => advice.list()),
      ask('what came of recommendations', () => advice.tracked()),
      ask('experiments', () => experiments.list()),
    ]);
    const { refusals, queue } = this.#engine.brain;
    return {
      tree: this.#engine.tree(),
      restarts: this.#engine.notices.restarts,
      refusals: { ...refusals, droppedRecords: queue.dropped },
      alerts: active,
      advice: standing,
      tracked: tracked.slice(0, TRACKED_SHOWN),
      experiments: tried.slice(0, EXPERIMENTS_SHOWN).map((report) => ({ ...report, progress: [] })),
      missing,
    };
  }

  async knowledge(pool: string): Promise<PoolKnowledge | undefined> {
    const slot = this.#engine.brain.board.slot(pool);
    if (slot === undefined) return undefined;
    const kinds = kindsOf(this.#live.get(pool)?.recent ?? []);
    const history = await this.#parts.thresholds.history(pool).catch(() => []);
    return {
      pool,
      ...(await curvesOf(slot, kinds, this.#engine.brain.board.resources)),
      // Worked out in some hundred milliseconds, which a host does not have: see `runtime.costBenefit.lessons`.
      lessons: undefined,
      thresholds: thresholdsOf(slot),
      quickPathMinimum: slot.thresholds.quickPathMinimum,
      history: history.slice(-STEPS_SHOWN),
    };
  }

  async explain(transferId: string): Promise<Explanation | undefined> {
    const decision = this.#engine.brain.decider.find(transferId);
    if (decision) return explainDecision(decision);
    const record = this.#engine.store?.find(transferId);
    return record && explainRecord(record);
  }

  async apply(adviceId: string): Promise<void> {
    await this.#parts.advice.apply(adviceId, { by: 'dashboard' });
  }

  #summary(now: PoolStatistics, { atMs }: Reading): PoolSummary {
    const first = this.#readings[0];
    const before = first?.pools.get(now.pool);
    const recent = now.decisions - (before?.decisions ?? now.decisions);
    const zeroCopy = recent > 0 ? now.zeroCopyCount - (before?.zeroCopyCount ?? 0) : now.zeroCopyCount;
    const decisions = recent > 0 ? recent : now.decisions;
    const { pool, failures, fallbacks, explored, inFlight, goal, policyVersion, breaker, mode } = now;
    return {
      ...{
        pool,
        decisions: now.decisions,
        failures,
        fallbacks,
        explored,
        inFlight,
        goal,
        policyVersion,
        breaker,
        mode,
      },
      ratePerS: first === undefined || atMs <= first.atMs ? 0 : (recent * 1000) / (atMs - first.atMs),
      zeroCopyShare: decisions === 0 ? undefined : zeroCopy / decisions,
    };
  }
}

function toEntry(pool: string, statistics: PoolStatistics | undefined): [string, PoolStatistics][] {
  return statistics === undefined ? [] : [[pool, statistics]];
}
