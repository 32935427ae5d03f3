/** One bounded step of what a store needs now and then: retention by time and by size, cells, roll-ups, merging of small blocks. */
import type { Engine } from './engine.ts';
import { storeError } from './lmdb-key-value.ts';
import { oldestRecordUs, type RetentionResult, removeBefore, removeMinuteCells } from './retention.ts';
import { rollUp } from './roll-up.ts';
import type { RetainResult } from './store-types.ts';

export interface UpkeepOptions {
  readonly nowUs: number;
  readonly retentionUs: number;
  /** Bytes in use at which the oldest hour is given up; undefined never. */
  readonly sizeLimit: number | undefined;
}

/** Time that one step spends on sealing, milliseconds. */
const SEALING_MS = 400;
/** Cells of single minutes are kept this long. */
const MINUTE_CELLS_US = 6 * 3_600_000_000;
const HOURS_PER_STEP = 6;
const REMOVALS_PER_STEP = 4;
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
  try {
    engine.environment.refresh();
    // What frees space comes first: on a full disk the rest may not succeed.
    removeOld(engine, options, result);
    build(engine, options, result);
  } catch (error) {
    const failure = storeError(error, 'look after the store');
    if (failure.code !== 'PITWALL_STORE_FULL' && failure.code !== 'PITWALL_STORE_READ_ONLY') throw failure;
    result.failure = failure.code;
  }
  return result;
}

function removeOld(engine: Engine, options: UpkeepOptions, result: Mutable<RetainResult>): void {
  const byTime = removeBefore(engine.environment, options.nowUs - options.retentionUs, REMOVALS_PER_STEP);
  const bySize = byTime.more ? undefined : giveUpOldest(engine, options);
  result.removedBlocks = byTime.removedBlocks + (bySize?.removedBlocks ?? 0);
  result.removedAggregates = byTime.removedAggregates + (bySize?.removedAggregates ?? 0);
  result.more = byTime.more || bySize !== undefined;
}

function build(engine: Engine, { nowUs }: UpkeepOptions, result: Mutable<RetainResult>): void {
  const { environment } = engine;
  const startedMs = performance.now();
  result.sealedMinutes = engine.seal(nowUs, () => performance.now() - startedMs < SEALING_MS);
  const sealedAll = performance.now() - startedMs < SEALING_MS;
  result.rolledUpHours = rollUp(environment, nowUs, HOURS_PER_STEP);
  removeMinuteCells(environment, (nowUs - MINUTE_CELLS_US) / 1_000_000, REMOVALS_PER_STEP);
  result.compactedBlocks = engine.compact(nowUs);
  result.more ||= !sealedAll || result.rolledUpHours >= HOURS_PER_STEP || result.compactedBlocks > 0;
}

function giveUpOldest(engine: Engine, { sizeLimit, nowUs }: UpkeepOptions): RetentionResult | undefined {
  if (sizeLimit === undefined) return undefined;
  const { environment } = engine;
  if (environment.usage().usedBytes < sizeLimit * SIZE_SHARE) return undefined;
  const oldestUs = oldestRecordUs(environment);
  if (oldestUs === undefined) return undefined;
  // The hour under way is kept, unless it alone is too large: then its older half goes.
  const endOfHourUs = Math.floor(oldestUs / HOUR_US + 1) * HOUR_US;
  const cutoffUs = endOfHourUs <= nowUs ? endOfHourUs : oldestUs + Math.max(60_000_000, (nowUs - oldestUs) / 2);
  return removeBefore(environment, cutoffUs, REMOVALS_PER_STEP);
}
