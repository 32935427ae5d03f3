import { analyzeLanes } from '../decision/cost-benefit.ts';
import { describeRequest } from '../decision/describe.ts';
import { compareBy } from '../decision/estimate.ts';
import { type Flip, flips } from '../decision/flip.ts';
import { type Forecast, forecast, type Workload } from '../decision/forecast.ts';
import type { PayloadKind } from '../decision/table.ts';
import type { CostBenefitAnalysis, Method, MethodEstimate, TransferRequest, Warmth } from '../decision/types.ts';
import { warmthOf } from '../decision/what-if.ts';
import { InvalidArgumentError } from '../errors.ts';
import { CostModel } from '../learning/cost-model.ts';
import type { Distilled } from '../learning/distill.ts';
import type { CostModelSnapshot, Features } from '../learning/types.ts';
import type { SnapshotBoard } from '../snapshots.ts';

/** The machine as `analyze` is to take it; what is absent is taken as it is now. */
export interface SystemState {
  /** 0..1 */
  readonly systemLoad?: number | undefined;
  /** Bytes. */
  readonly availableMemory?: number | undefined;
  readonly warmth?: Warmth | undefined;
  /** Transfers in flight, the one in question included. Default 1. */
  readonly inFlight?: number | undefined;
}

/** `runtime.costBenefit`: what both lanes would cost for a payload, without deciding anything. Synchronous, from published snapshots. */
export class CostBenefit {
  readonly #board: SnapshotBoard;
  /** What is believed of a pool that nobody has used yet. */
  readonly #prior: CostModelSnapshot = new CostModel().snapshot();

  constructor(board: SnapshotBoard) {
    this.#board = board;
  }

  /**
   * Both lanes' costs with every part named, which is recommended, how sure that is, and why.
   * @param characteristics as a request: `{ pool, dataSize, dataType, format }` or `{ pool, data }`
   * @throws InvalidArgumentError for what is no request
   */
  analyze(characteristics: unknown, systemState: SystemState = {}): CostBenefitAnalysis {
    const request = read(characteristics);
    const { features, warmth } = this.#features(request, systemState);
    const slot = this.#board.slot(request.pool);
    const learned = slot?.model ?? slot?.costModel;
    const comparison = compareBy(learned ?? this.#prior, features);
    const source = learned === undefined ? 'prior' : slot?.model ? 'model' : 'cost_model';
    return analyzeLanes(comparison, { ...features, warmth }, slot?.policy.goal ?? 'balanced', source);
  }

  /** One lane's costs. @throws InvalidArgumentError for a lane that there is not, or what is no request */
  estimatePerformance(method: Method, characteristics: unknown): MethodEstimate {
    if (method !== 'grpc' && method !== 'zero_copy')
      throw new InvalidArgumentError('method', method, 'grpc or zero_copy');
    return this.analyze(characteristics).methods[method];
  }

  /**
   * What would flip the decision on a payload: the nearest size, warm memory, load or number of transfers in flight at which the other lane would
   * be taken, all else equal. Some hundred decisions: not for the hot path.
   * @throws InvalidArgumentError for what is no request, or a pool that is unknown
   */
  flips(characteristics: unknown): readonly Flip[] {
    const request = read(characteristics);
    const pool = this.#board.slot(request.pool);
    if (!pool) throw new InvalidArgumentError('pool', request.pool, 'the name of a pool that exists');
    const { resources } = this.#board;
    return flips({ request, pool, resources, nowMs: resources?.atMs ?? 0 });
  }

  /**
   * What a pool's transfers would take and use at other sizes, rates and machine loads: latency with its interval, waiting, cores, memory, and the
   * rate at which the workers are full. From what was learned; `effectiveSamples` says how much that is.
   * @throws InvalidArgumentError naming the field, or for a pool that is unknown
   */
  forecast(pool: string, workload: Workload): Forecast {
    const slot = this.#board.slot(pool);
    if (!slot) throw new InvalidArgumentError('pool', pool, 'the name of a pool that exists');
    return forecast(slot, slot.model ?? slot.costModel ?? this.#prior, workload);
  }

  /**
   * What a pool has learned, in a few sentences: a shallow tree grown on some thousand of its decisions, with how often it is right.
   * @param kinds of payloads that are looked at. Default: tensors, dataframes, documents, blobs
   * Rejects with InvalidArgumentError for a pool that is unknown.
   */
  async lessons(pool: string, kinds: readonly PayloadKind[] = USUAL_KINDS): Promise<Distilled> {
    const slot = this.#board.slot(pool);
    if (!slot) throw new InvalidArgumentError('pool', pool, 'the name of a pool that exists');
    // ml-cart is loaded when it is first asked for.
    const { lessons } = await import('../decision/lessons.ts');
    return lessons(slot, kinds);
  }

  #features(request: TransferRequest, state: SystemState): { features: Features; warmth: Warmth } {
    const slot = this.#board.slot(request.pool);
    const now = this.#board.resources;
    const warm = slot?.transport === undefined ? undefined : request.dataSize <= slot.transport.warmBytes;
    const warmth = state?.warmth ?? warmthOf(warm);
    const features = {
      dataSize: request.dataSize,
      dataType: request.dataType,
      format: request.format,
      compression: request.compression,
      warm: warmth === 'unknown' ? undefined : warmth === 'warm',
      systemLoad: state?.systemLoad ?? now?.systemLoad,
      availableMemory: state?.availableMemory ?? now?.availableMemory,
      inFlight: state?.inFlight ?? 1,
      hourOfDay: 0,
    };
    return { features, warmth };
  }
}

const USUAL_KINDS: readonly PayloadKind[] = [
  { dataType: 'tensor', format: 'numpy' },
  { dataType: 'dataframe', format: 'arrow' },
  { dataType: 'json', format: 'json' },
  { dataType: 'binary', format: 'raw' },
];

function read(characteristics: unknown): TransferRequest {
  const described = describeRequest(characteristics);
  if (described.ok) return described.request;
  throw new InvalidArgumentError('characteristics', characteristics, described.problem);
}
