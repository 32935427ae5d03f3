/**
 * The runtime as a replay drives it: the same decider, records, threshold managers, learner, store and training threads as live traffic has, on
 * a clock that stands still until the next row arrives. The replay plays the two parts that look at this machine: it hands records on, as the
 * recorder does, and publishes the resources that the trace tells of, as the resource monitor does.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecorderArgs } from '../actors/recorder.ts';
import { parseConfig } from '../config/parse.ts';
import type { ConfiguredRolloutStage, Goal } from '../config/types.ts';
import { NOTHING_KNOWN } from '../decision/resources.ts';
import type { CostPrior } from '../learning/cost-prior.ts';
import type { ReplayChoice, ReplayChooser, ReplayRequest } from '../learning/replay.ts';
import type { Observation } from '../learning/types.ts';
import { call, createTestClock, type TestClock } from '../otp/index.ts';
import type { PoolSlot } from '../snapshots.ts';
import { replayTree } from '../supervisors/tree.ts';
import { type Engine, startEngine } from './engine.ts';

export interface ReplayHostOptions {
  readonly pools: readonly string[];
  readonly goal?: Goal | undefined;
  readonly minimumThresholdMb?: number | undefined;
  readonly rolloutStage?: ConfiguredRolloutStage | undefined;
  /** Share of decisions that try the other lane. */
  readonly explorationRate?: number | undefined;
  /** Successes that a first training needs, and the trace's seconds between two of them. */
  readonly minimumTrainingSamples?: number | undefined;
  readonly modelUpdateIntervalSeconds?: number | undefined;
  /** What fresh pools believe of the trace's machine. */
  readonly prior?: CostPrior | undefined;
}

/** A fixed day: the hour of the day is a feature, so it must not be that of the replay. */
const START_MS = Date.UTC(2026, 0, 1);
/** Between two looks of actors that keep time; the clock moves in steps no longer than this. */
const STEP_MS = 1_000;
const STORE_EVERY_MS = 2_000;
const BATCH = 4_096;
/** By the replay's clock, which stands still meanwhile. */
const SETTLE_TIMEOUT_MS = 600_000;
const UNLIMITED = 2 ** 50;

export class ReplayHost implements ReplayChooser {
  readonly #engine: Engine;
  readonly #clock: TestClock;
  readonly #recorder: RecorderArgs;
  readonly #directory: string;
  readonly #draw: { random: () => number };
  readonly #slots = new Map<string, PoolSlot>();
  #storedAtMs = START_MS;
  #trainings = 0;

  /** Use `startReplayHost`. */
  constructor(
    engine: Engine,
    clock: TestClock,
    recorder: RecorderArgs,
    directory: string,
    draw: { random: () => number },
  ) {
    this.#engine = engine;
    this.#clock = clock;
    this.#recorder = recorder;
    this.#directory = directory;
    this.#draw = draw;
    for (const slot of engine.brain.board.slots()) this.#slots.set(slot.pool, slot);
  }

  choose(row: ReplayRequest, random: () => number): ReplayChoice {
    const { brain } = this.#engine;
    this.#draw.random = random;
    const slot = this.#slots.get(row.pool) ?? brain.admission.admit(row.pool).slot;
    const { systemLoad, availableMemory, warmBytes, features } = row;
    brain.board.resources = { ...NOTHING_KNOWN, atMs: this.#clock.now(), systemLoad, availableMemory };
    slot.inFlight = row.inFlight - 1;
    slot.transport =
      warmBytes === undefined ? undefined : { zeroCopyReady: true, reason: undefined, warmBytes, roomBytes: UNLIMITED };
    const { method, propensity, explored, transferId } = brain.decider.decide(row);
    const model = slot.model ?? slot.costModel;
    const [grpc, zeroCopy] = [model?.estimate('grpc', features), model?.estimate('zero_copy', features)];
    return { method, propensity, explored, grpc, zeroCopy, transferId };
  }

  learn(_pool: string, { latencyUs, cpuTimeUs, atMs }: Observation, { transferId }: ReplayChoice): void {
    this.#advanceTo(START_MS + atMs);
    if (transferId !== undefined) this.#engine.brain.decider.record(transferId, { latencyUs, cpuTimeUs });
  }

  async settle(nowMs: number): Promise<void> {
    await this.#teach();
    const targetMs = START_MS + nowMs;
    while (this.#clock.now() < targetMs) {
      const nextMs = Math.min(targetMs, this.#clock.now() + STEP_MS);
      // What a training reads must be there before time reaches the moment that it may start at.
      if (nextMs - this.#storedAtMs >= STORE_EVERY_MS) await this.#store(nextMs);
      this.#advanceTo(nextMs);
      if (nextMs < targetMs) await this.#learned();
    }
    await this.#learned();
  }

  trainings(): number {
    return this.#trainings;
  }

  async close(): Promise<void> {
    await this.#engine.shutdown({});
    await rm(this.#directory, { recursive: true, force: true });
  }

  #advanceTo(ms: number): void {
    if (ms > this.#clock.now()) this.#clock.advance(ms - this.#clock.now());
  }

  /** Hands on what was recorded and waits until each of those who learn from it has done so. */
  async #teach(): Promise<void> {
    const { queue, teach } = this.#recorder;
    const taught = queue.peek('taught', BATCH);
    if (taught.length === 0) return;
    queue.advance('taught', taught.length);
    teach(taught);
    for (const pool of new Set(taught.map((record) => record.pool))) {
      await call(this.#engine.destinations.thresholdManager(pool), { type: 'get_threshold_history' });
    }
    await this.#learned();
  }

  /** Resolves when the learner has nothing left to do, a training included. */
  async #learned(): Promise<void> {
    const { learner } = this.#engine.destinations;
    await call(learner, { type: 'settle' }, { timeoutMs: SETTLE_TIMEOUT_MS });
    let trainings = 0;
    for (const pool of this.#slots.keys()) {
      trainings += (await call(learner, { type: 'get_learning', pool }))?.trainings ?? 0;
    }
    this.#trainings = trainings;
  }

  async #store(nowMs: number): Promise<void> {
    const { queue, store, flush } = this.#recorder;
    for (let batch = queue.peek('stored', BATCH); batch.length > 0; batch = queue.peek('stored', BATCH)) {
      await store(batch);
      queue.advance('stored', batch.length);
    }
    await flush();
    this.#storedAtMs = nowMs;
  }
}

/**
 * Starts what a replay needs, with a store in a temporary directory.
 * @throws ConfigError `PITWALL_INVALID_CONFIG` for options out of range
 */
export async function startReplayHost(options: ReplayHostOptions): Promise<ReplayHost> {
  const { pools, goal, minimumThresholdMb, rolloutStage, explorationRate } = options;
  const { minimumTrainingSamples, modelUpdateIntervalSeconds, prior } = options;
  const clock = createTestClock(START_MS);
  const draw = { random: (): number => 0.5 };
  const directory = await mkdtemp(join(tmpdir(), 'pitwall-replay-'));
  let recorder: RecorderArgs | undefined;
  try {
    const config = parseConfig({
      dataDir: directory,
      logger: false,
      clock,
      random: () => draw.random(),
      explorationRate,
      minimumTrainingSamples,
      modelUpdateIntervalSeconds,
      pools: pools.map((name) => ({ name, goal, minimumThresholdMb, rolloutStage })),
    });
    const engine = await startEngine(config, (args) => {
      recorder = args.recorder;
      if (prior === undefined) return replayTree(args);
      return replayTree({
        ...args,
        thresholdManager: (pool) => ({ ...args.thresholdManager(pool), costModel: { prior } }),
      });
    });
    if (recorder === undefined) throw new Error('the engine has started no tree');
    return new ReplayHost(engine, clock, recorder, directory, draw);
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}
