/** One bounded step of what a store needs now and then: retention by time and by size, cells, roll-ups, merging of small blocks. */
import type { Engine } from './engine.ts';
import { storeError } from './lmdb-key-value.ts';
import { oldestRecordUs, type RetentionResult, removeBefore, removeMinuteCells } from './retention.ts';
import type { RetainResult } from './store-types.ts';
import { TimeBudget } from './time-budget.ts';

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

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Never throws for a full or read-only disk: what could be done is done, and `failure` has the code. */
export function upkeep(engine: Engine, options: UpkeepOptions): RetainResult {
  const result: Mutable<RetainResult> = {
    removedBlocks: 0,
    removedAggregates: 0,
    sealedMinutes: 0,
    rolledUpHours: 0,
    compactedBlocks: 0,
    more: false,
    failure: undefined,
  };
  const budget = new TimeBudget(options.budgetMs);
  try {
    engine.environment.refresh();
    // What frees space comes first: on a full disk the rest may not succeed.
    removeOld(engine, options, budget, result);
    if (!budget.spent) build(engine, options, budget, result);
    result.more ||= budget.spent;
  } catch (error) {
    const failure = storeError(error, 'look after the store');
    if (failure.code !== 'PITWALL_STORE_FULL' && failure.code !== 'PITWALL_STORE_READ_ONLY') throw failure;
    result.failure = failure.code;
  }
  return result;
}

function removeOld(engine: Engine, options: UpkeepOptions, budget: TimeBudget, result: Mutable<RetainResult>): void {
  const byTime = removeBefore(engine.environment, options.nowUs - options.retentionUs, budget);
  const bySize = budget.spent ? undefined : giveUpOldest(engine, options, budget);
  result.removedBlocks = byTime.removedBlocks + (bySize?.removedBlocks ?? 0);
  result.removedAggregates = byTime.removedAggregates + (bySize?.removedAggregates ?? 0);
  // One hour at a time: whether another must go is found by the next step.
  result.more = bySize !== undefined && bySize.removedBlocks + bySize.removedAggregates > 0;
}

function build(engine: Engine, { nowUs }: UpkeepOptions, budget: TimeBudget, result: Mutable<RetainResult>): void {
  // Hours first: after an import, cells of minutes would pile up until the last one is sealed, and the file with them.
  result.rolledUpHours = engine.rollUp(nowUs, budget);
  if (budget.spent) return;
  removeMinuteCells(engine.environment, (nowUs - MINUTE_CELLS_US) / 1_000_000, budget);
  if (budget.spent) return;
  result.sealedMinutes = engine.seal(nowUs, budget);
  if (budget.spent) return;
  result.compactedBlocks = engine.compact(nowUs, budget);
}

function giveUpOldest(engine: Engine, options: UpkeepOptions, budget: TimeBudget): RetentionResult | undefined {
  const { sizeLimit, nowUs } = options;
  if (sizeLimit === undefined) return undefined;
  const { environment } = engine;
  if (environment.usage().usedBytes < sizeLimit * SIZE_SHARE) return undefined;
  const oldestUs = oldestRecordUs(environment);
  if (oldestUs === undefined) return undefined;
  // The hour under way is kept, unless it alone is too large: then its older half goes.
  const endOfHourUs = Math.floor(oldestUs / HOUR_US + 1) * HOUR_US;
  const cutoffUs = endOfHourUs <= nowUs ? endOfHourUs : oldestUs + Math.max(60_000_000, (nowUs - oldestUs) / 2);
  return removeBefore(environment, cutoffUs, budget);
}
