import type { Destinations } from '../actors/destinations.ts';
import type { Threshold } from '../decision/types.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { ThresholdChange } from '../learning/threshold-tuning.ts';
import { call } from '../otp/index.ts';
import type { SnapshotBoard } from '../snapshots.ts';

const MEBIBYTE = 2 ** 20;
/** The last moment that a Date can be. */
const LATEST_MS = 8.64e15;

/** `runtime.thresholds`: read what is in force, move it by hand, take it back. */
export class Thresholds {
  readonly #board: SnapshotBoard;
  readonly #destinations: Destinations;

  constructor(board: SnapshotBoard, destinations: Destinations) {
    this.#board = board;
    this.#destinations = destinations;
  }

  /**
   * The threshold in force, from the published snapshot: synchronous, also while the pool's threshold manager is down.
   * @param dataType default: the one for types without their own
   * @returns bytes, and the factors they come from; undefined for a pool that is unknown
   */
  get(pool: string, dataType?: string): Threshold | undefined {
    const thresholds = this.#board.slot(pool)?.thresholds;
    if (!thresholds) return undefined;
    return (dataType === undefined ? undefined : thresholds.byDataType.get(dataType)) ?? thresholds.default;
  }

  /** Every data type's threshold in force, bytes. The one for all others is under `default`. */
  all(pool: string): ReadonlyMap<string, Threshold> | undefined {
    const thresholds = this.#board.slot(pool)?.thresholds;
    return thresholds && new Map([['default', thresholds.default], ...thresholds.byDataType]);
  }

  /**
   * Sets a threshold by hand, in mebibytes; clamped to the pool's bounds. Learning goes on from there; `thresholdOverridesMb` of the policy
   * is what fixes one for good.
   *
   * @throws InvalidArgumentError for a size that is none, or a pool that is unknown
   * @throws CallError while the pool's threshold manager is down
   */
  async adjust(
    pool: string,
    adjustment: { readonly thresholdMb: number; readonly dataType?: string | undefined },
  ): Promise<ThresholdChange> {
    const { thresholdMb, dataType } = readAdjustment(adjustment);
    this.#known(pool);
    const outcome = await call(this.#destinations.thresholdManager(pool), {
      type: 'adjust_threshold',
      dataType,
      bytes: thresholdMb * MEBIBYTE,
    });
    if (outcome.type === 'refused') throw new InvalidArgumentError('adjustment', adjustment, outcome.message);
    return outcome.change;
  }

  /**
   * Back to the configured threshold, for one data type or for all. What was measured stays.
   * @throws InvalidArgumentError for a pool that is unknown
   * @throws CallError while the pool's threshold manager is down
   */
  async reset(pool: string, dataType?: string): Promise<void> {
    this.#known(pool);
    await call(this.#destinations.thresholdManager(pool), { type: 'reset_thresholds', dataType });
  }

  /**
   * Thresholds as they stood at an earlier time, of every data type, and the quick path's bound with them: a step like any other, in the history with
   * its reason. Learning goes on from there: to hold them, switch it off (`updatePolicy(pool, { learningEnabled: false })`).
   *
   * @param to a time, milliseconds since the epoch, or an entry of `history`: as they were when it had just been made
   * @returns the changes that it took
   * @throws InvalidArgumentError for a time before the history (the latest 256 steps), or a pool that is unknown
   * @throws CallError while the pool's threshold manager is down
   */
  async restore(pool: string, to: number | Pick<ThresholdChange, 'atMs'>): Promise<readonly ThresholdChange[]> {
    this.#known(pool);
    const toMs = typeof to === 'object' && to !== null ? to.atMs : to;
    if (typeof toMs !== 'number' || !(Math.abs(toMs) <= LATEST_MS)) {
      throw new InvalidArgumentError('to', to, 'milliseconds since the epoch, or an entry of the history');
    }
    const outcome = await call(this.#destinations.thresholdManager(pool), { type: 'restore_thresholds', toMs });
    if (outcome.type === 'refused') throw outcome.error;
    return outcome.changes;
  }

  /** Every step of the pool's thresholds that is kept, newest last, with its reason and expected gain. */
  async history(pool: string): Promise<readonly ThresholdChange[]> {
    this.#known(pool);
    return call(this.#destinations.thresholdManager(pool), { type: 'get_threshold_history' });
  }

  #known(pool: string): void {
    if (!this.#board.slot(pool)) throw new InvalidArgumentError('pool', pool, 'the name of a pool that exists');
  }
}

function readAdjustment(given: unknown): { thresholdMb: number; dataType: string | undefined } {
  if (typeof given !== 'object' || given === null) throw new InvalidArgumentError('adjustment', given, 'an object');
  const { thresholdMb, dataType }: { thresholdMb?: unknown; dataType?: unknown } = given;
  if (typeof thresholdMb !== 'number' || !(thresholdMb > 0) || !Number.isFinite(thresholdMb)) {
    throw new InvalidArgumentError('adjustment.thresholdMb', thresholdMb, 'a finite number > 0');
  }
  if (dataType !== undefined && typeof dataType !== 'string') {
    throw new InvalidArgumentError('adjustment.dataType', dataType, 'a string');
  }
  return { thresholdMb, dataType };
}
