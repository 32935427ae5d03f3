/** One bounded step of what a store needs now and then: roll-ups, retention by time, retention by size. */
import type { Engine } from './engine.ts';
import { oldestRecordUs, removeBefore, removeMinuteCells } from './retention.ts';
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

export function upkeep(engine: Engine, options: UpkeepOptions): RetainResult {
  const { environment } = engine;
  environment.refresh();
  const startedMs = performance.now();
  const sealedMinutes = engine.seal(options.nowUs, () => performance.now() - startedMs < SEALING_MS);
  const rolledUpHours = rollUp(environment, options.nowUs, HOURS_PER_STEP);
  const byTime = removeBefore(environment, options.nowUs - options.retentionUs, REMOVALS_PER_STEP);
  const bySize = byTime.more ? undefined : giveUpOldest(engine, options);
  removeMinuteCells(environment, (options.nowUs - MINUTE_CELLS_US) / 1_000_000, REMOVALS_PER_STEP);
  const compactedBlocks = engine.compact(options.nowUs);
  return {
    sealedMinutes,
    rolledUpHours,
    removedBlocks: byTime.removedBlocks + (bySize?.removedBlocks ?? 0),
    removedAggregates: byTime.removedAggregates + (bySize?.removedAggregates ?? 0),
    compactedBlocks,
    more: rolledUpHours >= HOURS_PER_STEP || byTime.more || bySize !== undefined || compactedBlocks > 0,
  };
}

function giveUpOldest(engine: Engine, { sizeLimit, nowUs }: UpkeepOptions) {
  if (sizeLimit === undefined) return undefined;
  const { environment } = engine;
  if (environment.usage().usedBytes < sizeLimit * SIZE_SHARE) return undefined;
  const oldestUs = oldestRecordUs(environment);
  if (oldestUs === undefined) return undefined;
  // The hour under way is kept, unless it alone is too large: then its oldest half goes, minute by minute.
  const cutoffUs = Math.floor(oldestUs / HOUR_US + 1) * HOUR_US;
  return removeBefore(environment, cutoffUs <= nowUs ? cutoffUs : oldestUs + (nowUs - oldestUs) / 2, REMOVALS_PER_STEP);
}
