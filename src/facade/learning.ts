import type { Destinations } from '../actors/destinations.ts';
import type { PoolLearning, TrainingOutcome } from '../actors/learner.ts';
import { describeRequest } from '../decision/describe.ts';
import { compareBy, orderConfidence } from '../decision/estimate.ts';
import type { Method } from '../decision/types.ts';
import { InvalidArgumentError, PitwallError } from '../errors.ts';
import type { Features } from '../learning/types.ts';
import { call } from '../otp/index.ts';
import type { SnapshotBoard } from '../snapshots.ts';

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
}

/** A training reads up to 100 000 records and takes seconds. */
const TRAIN_TIMEOUT_MS = 300_000;

/** `runtime.learning`: the layers that learn, by hand. */
export class Learning {
  readonly #board: SnapshotBoard;
  readonly #destinations: Destinations;

  constructor(board: SnapshotBoard, destinations: Destinations) {
    this.#board = board;
    this.#destinations = destinations;
  }

  /**
   * Trains the pool's second layer now, in a worker thread, from what is stored. A model is published only if it is surely better than the
   * rules on held-out rows.
   * @throws InvalidArgumentError for a pool that is unknown; CallError while the learner is down
   */
  async trainModel(pool: string): Promise<TrainingOutcome> {
    this.#known(pool);
    return call(this.#destinations.learner, { type: 'train_model', pool }, { timeoutMs: TRAIN_TIMEOUT_MS });
  }

  /** How the pool's second layer stands; undefined before its first record. */
  async status(pool: string): Promise<PoolLearning | undefined> {
    this.#known(pool);
    return call(this.#destinations.learner, { type: 'get_learning', pool });
  }

  /** Forgets trained models, of one pool or all: the cost model serves. */
  async clearModels(pool?: string): Promise<void> {
    await call(this.#destinations.learner, { type: 'clear_models', pool });
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
      hourOfDay: 0,
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
    };
  }

  #known(pool: string): void {
    if (!this.#board.slot(pool)) throw new InvalidArgumentError('pool', pool, 'the name of a pool that exists');
  }
}
