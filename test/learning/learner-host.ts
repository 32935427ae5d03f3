/**
 * The learner as its runtime has it, on a clock that a test moves: decisions, records, the cost model and trainings are the real code; trainings run in
 * this thread on what was recorded, and what is stored lies in a map.
 */
import { onTestFinished } from 'vitest';
import { learner } from '../../src/actors/learner.ts';
import type {
  LearnerCall,
  LearnerInfo,
  LearnFrom,
  ModelStore,
  PoolLearning,
  TimedStep,
  TrainingOutcome,
} from '../../src/actors/learner-messages.ts';
import type { TrainOutcome } from '../../src/actors/training-pool.ts';
import type { PolicyOptions } from '../../src/config/types.ts';
import { decide } from '../../src/decision/decide.ts';
import type { TransferRequest } from '../../src/decision/types.ts';
import { toRecord } from '../../src/hot-path/complete.ts';
import { CostModel } from '../../src/learning/cost-model.ts';
import type { DriftAlarm } from '../../src/learning/drift.ts';
import { seededRandom } from '../../src/learning/random.ts';
import { openSecondLayer } from '../../src/learning/second-layer.ts';
import { trainModel } from '../../src/learning/train-model.ts';
import type { ExplorationLimits, JsonValue, Lane } from '../../src/learning/types.ts';
import { toObservation } from '../../src/metrics/observation.ts';
import type { TransferRecord } from '../../src/metrics/record.ts';
import {
  call,
  cast,
  createTestClock,
  type ServerRef,
  type System,
  started,
  startGenServer,
  startSystem,
  stopSystem,
} from '../../src/otp/index.ts';
import { type PoolSlot, SnapshotBoard } from '../../src/snapshots.ts';
import type { TrainStored } from '../../src/workers/training-task.ts';
import { poolSlot } from './pool-slot.ts';

/** What a transfer takes, microseconds. */
export type World = (lane: Lane, request: TransferRequest, random: () => number) => number;

export interface LearnerHostOptions {
  readonly policy?: PolicyOptions;
  readonly minimumSamples?: number;
  readonly intervalMs?: number;
  /** What a predecessor left. */
  readonly stored?: Map<string, JsonValue | Uint8Array>;
  readonly machine?: string;
  readonly seed?: number;
  /** In place of a training in this thread. */
  readonly train?: (task: TrainStored) => Promise<TrainOutcome>;
}

export type LearnerRef = ServerRef<LearnerCall, LearnFrom, LearnerInfo>;

export class LearnerHost {
  readonly slot: PoolSlot;
  readonly clock = createTestClock(Date.UTC(2026, 0, 1));
  readonly stored: Map<string, JsonValue | Uint8Array>;
  readonly steps: TimedStep[] = [];
  readonly alarms: DriftAlarm[] = [];
  readonly outcomes: TrainingOutcome[] = [];
  readonly refusals: string[] = [];
  readonly budgets: ExplorationLimits[] = [];
  readonly records: TransferRecord[] = [];
  readonly tasks: TrainStored[] = [];
  readonly system: System;
  ref!: LearnerRef;
  readonly #board = new SnapshotBoard();
  readonly #options: LearnerHostOptions;
  readonly #cost = new CostModel();
  readonly #random: () => number;
  #count = 0;

  /** Use `startLearner`. */
  constructor(options: LearnerHostOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed ?? 1);
    this.stored = options.stored ?? new Map();
    const policy = {
      minimumThresholdMb: 0.001,
      explorationRate: 0.3,
      rolloutStage: 'adaptive' as const,
      ...options.policy,
    };
    this.slot = poolSlot(policy);
    this.slot.costModel = this.#cost.snapshot();
    this.#board.add(this.slot);
    this.system = startSystem({ name: 'learner test', clock: this.clock });
  }

  async start(): Promise<void> {
    const { minimumSamples = 600, intervalMs = 3_600_000, machine = 'test machine' } = this.#options;
    const pool = 'ml';
    this.ref = started(
      await startGenServer(this.system, learner, {
        board: this.#board,
        nowMs: () => this.clock.now(),
        storePath: () => 'in memory',
        train: (task) => {
          this.tasks.push(task);
          return this.#options.train?.(task) ?? this.#train(task);
        },
        cancelTraining: () => undefined,
        store: storeOf(this.stored),
        ...{ machine, minimumSamples, intervalMs, heldOutShare: 0.2, driftDetection: true },
        onTrained: (_pool, outcome) => void this.outcomes.push(outcome),
        onDrift: (_pool, alarm) => void this.alarms.push(alarm),
        onStep: (_pool, step) => void this.steps.push(step),
        onRefused: (_pool, what, reason) => void this.refusals.push(`${pool}: ${what}: ${reason}`),
        onExplorationBudget: (_pool, limits) => void this.budgets.push(limits),
      }),
    );
  }

  /** Decides, measures and records transfers, in batches as the recorder hands them on. */
  async transfer(count: number, world: World, size = anySize): Promise<void> {
    for (let done = 0; done < count; done += BATCH) {
      const batch = Array.from({ length: Math.min(BATCH, count - done) }, () => this.#one(world, size));
      this.records.push(...batch);
      cast(this.ref, { type: 'observed', records: batch });
      for (const record of batch) {
        const observation = toObservation(record);
        if (observation) this.#cost.learn(observation);
      }
      this.slot.costModel = this.#cost.snapshot();
      await this.settled();
      this.clock.advance(BATCH * MS_EACH);
    }
  }

  /** Resolves when the learner has nothing left to do. */
  async settled(): Promise<void> {
    await call(this.ref, { type: 'settle' }, { timeoutMs: 600_000 });
  }

  async status(): Promise<PoolLearning> {
    const status = await call(this.ref, { type: 'get_learning', pool: 'ml' });
    if (status === undefined) throw new Error('nothing was recorded yet');
    return status;
  }

  #one(world: World, size: (random: () => number) => number): TransferRecord {
    const random = this.#random;
    this.#count += 1;
    const request: TransferRequest = {
      pool: 'ml',
      dataSize: size(random),
      dataType: 'tensor',
      format: 'numpy',
      compression: false,
      sessionId: undefined,
      attributes: undefined,
    };
    const nowMs = this.clock.now() + this.#count * 1e-3;
    const decision = decide(request, this.slot, undefined, nowMs, random, `t${this.#count}`);
    const latencyUs = world(decision.method, request, random);
    const context = { timestampUs: Math.round(nowMs * 1000), decisionTimeUs: 1, failedOver: false };
    return toRecord(decision, { latencyUs }, context);
  }

  async #train({ options, incumbent, fromUs = 0 }: TrainStored): Promise<TrainOutcome> {
    const rows = this.records
      .filter((record) => record.timestampUs >= fromUs)
      .flatMap((record) => toObservation(record) ?? []);
    const needed = options.minimumRows ?? 0;
    if (rows.length < needed) {
      return { type: 'ok', result: { type: 'too_few_samples', samples: rows.length, needed } };
    }
    const serving = incumbent && openSecondLayer(incumbent.learner, incumbent.buffer);
    const { learner: kind, buffer, report } = trainModel(rows, { ...options, ...QUICK }, serving);
    const result = {
      type: 'trained' as const,
      learner: kind,
      buffer,
      report,
      readMs: 0,
      trainMs: 0,
      cpuMs: 0,
      libraries: {},
    };
    return { type: 'ok', result };
  }
}

const BATCH = 25;
const MS_EACH = 20;
/** Trainings are in this thread here: few trees, and no network. */
const QUICK = { boosting: { rounds: 25, subsample: 96, learningRate: 0.3 }, learners: ['boosted_trees'] } as const;

export async function startLearner(options: LearnerHostOptions = {}): Promise<LearnerHost> {
  const host = new LearnerHost(options);
  onTestFinished(() => stopSystem(host.system, { timeoutMs: 0 }));
  await host.start();
  return host;
}

function anySize(random: () => number): number {
  return Math.round(2 ** (10 + 10 * random()));
}

function storeOf(stored: Map<string, JsonValue | Uint8Array>): ModelStore {
  const isBytes = (value: JsonValue | Uint8Array): value is Uint8Array => value instanceof Uint8Array;
  return {
    entries: async () => [...stored].flatMap(([key, value]) => (isBytes(value) ? [] : [[key, value] as const])),
    bytes: async (prefix) =>
      [...stored].flatMap(([key, value]) => (isBytes(value) && key.startsWith(prefix) ? [[key, value] as const] : [])),
    put: (key, value) => void stored.set(key, value),
    putBytes: (key, value) => void stored.set(key, value.slice()),
    remove: (key) => void stored.delete(key),
  };
}
