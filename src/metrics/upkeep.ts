/**
 * What a store needs now and then: retention by time and by size, cells, roll-ups, merging of small blocks. A round goes through all of it, pool by
 * pool; it is carried out in steps, each as long as its caller says, and goes on where the step before stopped.
 */
import type { Engine } from './engine.ts';
import { storeError } from './lmdb-key-value.ts';
import { oldestRecordUs, removeBefore, removeMinuteCells } from './retention.ts';
import type { Steps } from './slices.ts';
import type { RetainResult } from './store-types.ts';
import { TimeBudget } from './time-budget.ts';
import { UpkeepTally } from './upkeep-tally.ts';

export interface UpkeepOptions {
  readonly nowUs: number;
  readonly retentionUs: number;
  /** Bytes in use at which the oldest hour is given up; undefined never. */
  readonly sizeLimit: number | undefined;
  /** Milliseconds that the step may take; what is under way then is finished: one transaction, about 15 ms. */
  readonly budgetMs: number;
}

/** Cells of single minutes are kept this long. */
const MINUTE_CELLS_US = 6 * 3_600_000_000;
const HOUR_US = 3_600_000_000;
/** Size is brought down to this share of the limit, so that appends do not meet the limit itself. */
const SIZE_SHARE = 0.85;

export class Upkeep {
  readonly #engine: Engine;
  readonly #tally = new UpkeepTally();
  #round: Steps<void> | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Never throws for a full or read-only disk: what could be done is done, and `failure` has the code. */
  step(options: UpkeepOptions): RetainResult {
    const budget = new TimeBudget(options.budgetMs);
    try {
      this.#engine.environment.refresh();
      this.#round ??= this.#startRound(options);
      for (;;) {
        if (this.#round.next().done === true) {
          this.#round = undefined;
          return this.#tally.take(this.#tally.again);
        }
        if (budget.spent) return this.#tally.take(true);
      }
    } catch (error) {
      this.#round = undefined;
      this.#engine.forgetUncommitted();
      const { code } = storeError(error, 'look after the store');
      if (code !== 'PITWALL_STORE_FULL' && code !== 'PITWALL_STORE_READ_ONLY') throw error;
      return this.#tally.take(false, code);
    }
  }

  *#startRound(options: UpkeepOptions): Steps<void> {
    const tally = this.#tally;
    tally.again = false;
    const engine = this.#engine;
    const { nowUs, retentionUs } = options;
    // What frees space comes first: on a full disk the rest may not succeed.
    yield* removeBefore(engine.environment, nowUs - retentionUs, tally);
    yield* this.#giveUpOldest(options);
    // Hours before minutes: after an import, cells of minutes would pile up until the last one is sealed, and the file with them.
    yield* engine.rollUp(nowUs, tally);
    yield* removeMinuteCells(engine.environment, (nowUs - MINUTE_CELLS_US) / 1_000_000);
    yield* engine.seal(nowUs, tally);
    yield* engine.compact(nowUs, tally);
  }

  *#giveUpOldest({ sizeLimit, nowUs }: UpkeepOptions): Steps<void> {
    const { environment } = this.#engine;
    if (sizeLimit === undefined || environment.usage().usedBytes < sizeLimit * SIZE_SHARE) return;
    const oldestUs = oldestRecordUs(environment);
    if (oldestUs === undefined) return;
    // The hour under way is kept, unless it alone is too large: then its older half goes.
    const endOfHourUs = Math.floor(oldestUs / HOUR_US + 1) * HOUR_US;
    const cutoffUs = endOfHourUs <= nowUs ? endOfHourUs : oldestUs + Math.max(60_000_000, (nowUs - oldestUs) / 2);
    const before = this.#tally.removed;
    yield* removeBefore(environment, cutoffUs, this.#tally);
    // One hour a round: whether another must go is seen by the next.
    if (this.#tally.removed > before) this.#tally.again = true;
  }
}
