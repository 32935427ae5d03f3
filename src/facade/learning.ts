import type { Destinations } from '../actors/destinations.ts';
import type { PoolLearning, TrainingOutcome, VersionOutcome } from '../actors/learner-messages.ts';
import type { PoolProbes } from '../actors/prober.ts';
import { describeRequest } from '../decision/describe.ts';
import { compareBy, orderConfidence } from '../decision/estimate.ts';
import type { Method } from '../decision/types.ts';
import { InvalidArgumentError, PitwallError } from '../errors.ts';
import { checkLanes } from '../hot-path/lanes.ts';
import type { DriftAlarm } from '../learning/drift.ts';
import type { ModelVersion } from '../learning/model-version.ts';
import type { LearnerKind } from '../learning/second-layer.ts';
import type { Features } from '../learning/types.ts';
import { call } from '../otp/index.ts';
import type { SnapshotBoard } from '../snapshots.ts';
import type { ProbeOffer } from '../transports/probe-offer.ts';

/** What `predict` says of a payload. */
export interface Prediction {
  /** Probability that the lane is the faster one. */
  readonly methodProbability: Readonly<Record<Method, number>>;
  readonly estimatedLatencyUs: Readonly<Record<Method, number>>;
  /** 90 % intervals, microseconds; undefined where nothing was learned yet. */
  readonly intervalUs: Readonly<Record<Method, readonly [low: number, high: number] | undefined>>;
  readonly confidence: number;
  /** What predicted: the trained model, or the cost model below it. */
  readonly source: 'model' | 'cost_model';
  /** Where it was the trained model: what kind of. */
  readonly learner: LearnerKind | undefined;
}

export interface ProbeOptions {
  /** Makes a payload of a kind and size; default: made up. */
  readonly payload?: ProbeOffer['payload'];
  /** What probes may carry per minute, all sends together. Default 64 MiB; 0: none. */
  readonly bytesPerMinute?: number | undefined;
}

const HOUR_MS = 3_600_000;
const DEFAULT_PROBE_BYTES = 64 * 2 ** 20;

/** What the tests for drift say of a pool. */
export interface DriftReport {
  /** A drift was seen that no training has followed yet. */
  readonly drifted: boolean;
  /** The newest 32. */
  readonly alarms: readonly DriftAlarm[];
  /** Alarms since the runtime started. */
  readonly total: number;
}

/** A training reads up to 100 000 records and takes seconds. */
const TRAIN_TIMEOUT_MS = 300_000;

/** `runtime.learning`: the layers that learn, by hand. */
export class Learning {
  readonly #board: SnapshotBoard;
  readonly #destinations: Destinations;

  readonly #offers: Map<string, ProbeOffer>;

  constructor(board: SnapshotBoard, destinations: Destinations, offers: Map<string, ProbeOffer>) {
    this.#board = board;
    this.#destinations = destinations;
    this.#offers = offers;
  }

  /**
   * Trains the pool's second layer now, in a process of its own, from what is stored. A model is published only if it is surely better than the rules, and
   * better than the one that serves, on held-out rows. Whoever asks while the pool is being trained gets that training's outcome.
   * @throws InvalidArgumentError for a pool that is unknown; CallError while the learner is down
   */
  async trainModel(pool: string): Promise<TrainingOutcome> {
    this.#known(pool);
    return call(this.#destinations.learner, { type: 'train_model', pool }, { timeoutMs: TRAIN_TIMEOUT_MS });
  }

  /** Gives up the training of the pool that runs now, if one does: its outcome is `failed` with PITWALL_TRAINING_CANCELLED. */
  async cancelTraining(pool: string): Promise<void> {
    this.#known(pool);
    await call(this.#destinations.learner, { type: 'cancel_training', pool });
  }

  /** How the pool's second layer stands: model, stage and the steps to it, trainings, drift, exploration; undefined before its first record. */
  async status(pool: string): Promise<PoolLearning | undefined> {
    this.#known(pool);
    return call(this.#destinations.learner, { type: 'get_learning', pool });
  }

  /**
   * Whether the pool drifts: the newest alarms of the tests on prediction errors and features, and whether a training has followed.
   * @throws InvalidArgumentError for a pool that is unknown; CallError while the learner is down
   */
  async detectDrift(pool: string): Promise<DriftReport> {
    const status = await this.status(pool);
    return {
      drifted: status?.drifted ?? false,
      alarms: status?.alarms ?? [],
      total: status?.driftAlarms ?? 0,
    };
  }

  /** The trainings that are kept, oldest first, published and refused ones: what from, how good, why. */
  async versions(pool: string): Promise<readonly ModelVersion[]> {
    this.#known(pool);
    return call(this.#destinations.learner, { type: 'get_versions', pool });
  }

  /**
   * Lets a version serve, and nothing take its place, until `unpin`: also one that was refused, or is old. How far it steers is still decided by live
   * evidence.
   * @throws PitwallError `PITWALL_VERSION_REFUSED` with the reason, for one that is not there, damaged or foreign
   */
  async pin(pool: string, version: number): Promise<ModelVersion> {
    this.#known(pool);
    const wanted = checkedVersion(version);
    return accepted(await call(this.#destinations.learner, { type: 'pin_version', pool, version: wanted }));
  }

  /** From now on a better training takes the place of what was pinned. */
  async unpin(pool: string): Promise<void> {
    this.#known(pool);
    await call(this.#destinations.learner, { type: 'unpin_version', pool });
  }

  /**
   * Lets an earlier version serve: by default the last published one before the present. It must climb anew; the next better training takes its place,
   * unless it is pinned.
   * @throws PitwallError `PITWALL_VERSION_REFUSED` with the reason, for one that is not there, damaged, foreign or stale
   */
  async rollBack(pool: string, version?: number): Promise<ModelVersion> {
    this.#known(pool);
    const wanted = version === undefined ? undefined : checkedVersion(version);
    return accepted(await call(this.#destinations.learner, { type: 'roll_back', pool, version: wanted }));
  }

  /** Deletes all versions of the pool and trains anew. @returns what the training came to */
  async clear(pool: string): Promise<TrainingOutcome> {
    await this.clearModels(pool);
    return this.trainModel(pool);
  }

  /** Deletes all versions, of one pool or of all: the cost model serves. */
  async clearModels(pool?: string): Promise<void> {
    if (pool !== undefined) this.#known(pool);
    await call(this.#destinations.learner, { type: 'clear_models', pool });
  }

  /**
   * Lets pitwall try, while the pool is idle, the lane that recorded transfers did not take: for hosts with two ways of their own to move a payload.
   * Worker pools of `pitwall/transports` offer theirs by themselves.
   *
   * @param lanes must carry the payload and do nothing with it: whatever a real transfer sets off must not happen
   * @returns takes the offer back
   * @throws InvalidArgumentError naming the argument
   */
  offerProbes(pool: string, lanes: ProbeOffer['lanes'], options: ProbeOptions = {}): () => void {
    this.#known(pool);
    checkLanes(lanes);
    const { payload, bytesPerMinute = DEFAULT_PROBE_BYTES } = options;
    if (!(Number.isFinite(bytesPerMinute) && bytesPerMinute >= 0)) {
      throw new InvalidArgumentError('bytesPerMinute', bytesPerMinute, 'a number >= 0');
    }
    if (payload !== undefined && typeof payload !== 'function') {
      throw new InvalidArgumentError('payload', payload, 'a function');
    }
    const offer: ProbeOffer = { lanes, payload, bytesPerMinute };
    this.#offers.set(pool, offer);
    return () => {
      if (this.#offers.get(pool) === offer) this.#offers.delete(pool);
    };
  }

  /** What probes of the pool came to; undefined where there were none. */
  async probes(pool: string): Promise<PoolProbes | undefined> {
    this.#known(pool);
    return call(this.#destinations.prober, { type: 'get_probes', pool });
  }

  /**
   * What both lanes are expected to cost for a payload, from the published snapshots: synchronous.
   * @param characteristics as a request: `{ pool, dataSize, dataType, format }` or `{ pool, data }`
   * @throws InvalidArgumentError for what is no request; PitwallError `PITWALL_MODEL_NOT_TRAINED` where nothing was learned or published yet
   */
  predict(characteristics: unknown): Prediction {
    const described = describeRequest(characteristics);
    if (!described.ok) throw new InvalidArgumentError('characteristics', characteristics, described.problem);
    const { request } = described;
    const slot = this.#board.slot(request.pool);
    const learner = slot?.model ?? slot?.costModel;
    if (!slot || !learner) {
      throw new PitwallError('PITWALL_MODEL_NOT_TRAINED', `nothing was learned for a pool "${request.pool}" yet`);
    }
    const resources = this.#board.resources;
    const features: Features = {
      ...request,
      warm: slot.transport === undefined ? undefined : request.dataSize <= slot.transport.warmBytes,
      systemLoad: resources?.systemLoad,
      availableMemory: resources?.availableMemory,
      inFlight: slot.inFlight + 1,
      // The last sample says what time it is; before the first one nothing was learned by hour.
      hourOfDay: Math.floor((resources?.atMs ?? 0) / HOUR_MS) % 24,
    };
    const { grpc, zeroCopy, logRatio, logRatioStandardError } = compareBy(learner, features);
    const confidence = orderConfidence({ grpc, zeroCopy, logRatio, logRatioStandardError });
    const zeroCopyProbability = logRatio > 0 ? confidence : 1 - confidence;
    return {
      methodProbability: { zero_copy: zeroCopyProbability, grpc: 1 - zeroCopyProbability },
      estimatedLatencyUs: { zero_copy: zeroCopy.latencyUs, grpc: grpc.latencyUs },
      intervalUs: { zero_copy: zeroCopy.intervalUs, grpc: grpc.intervalUs },
      confidence,
      source: slot.model ? 'model' : 'cost_model',
      learner: slot.model?.learner,
    };
  }

  #known(pool: string): void {
    if (!this.#board.slot(pool)) throw new InvalidArgumentError('pool', pool, 'the name of a pool that exists');
  }
}

function checkedVersion(version: unknown): number {
  if (typeof version === 'number' && Number.isSafeInteger(version) && version >= 1) return version;
  throw new InvalidArgumentError('version', version, 'a whole number >= 1');
}

function accepted(outcome: VersionOutcome): ModelVersion {
  if (outcome.type === 'ok') return outcome.version;
  throw new PitwallError('PITWALL_VERSION_REFUSED', outcome.reason);
}
