/** When the newest record of a pool ended. Found by counting, which reads keys alone: an idle pool may have its last record a week ago. */
import type { MetricsStore } from '../metrics/store-types.ts';

const SECOND_US = 1_000_000;

/** Unix microseconds; undefined where the pool has no records. */
export function newestRecordUs(store: MetricsStore, pool: string, nowUs: number): number | undefined {
  const hasSince = (fromUs: number): boolean => store.count({ pool, fromUs }) > 0;
  let emptyFromUs = nowUs;
  let fromUs = nowUs;
  // Back in steps that double: what is counted is only what the last step added.
  for (let step = SECOND_US; !hasSince(fromUs); step *= 2) {
    if (fromUs === 0) return undefined;
    emptyFromUs = fromUs;
    fromUs = Math.max(0, fromUs - step);
  }
  while (emptyFromUs - fromUs > SECOND_US) {
    const middleUs = Math.floor((fromUs + emptyFromUs) / 2);
    if (hasSince(middleUs)) fromUs = middleUs;
    else emptyFromUs = middleUs;
  }
  let newestUs = fromUs;
  for (const { timestampUs } of store.records({ pool, fromUs })) newestUs = Math.max(newestUs, timestampUs);
  return newestUs;
}
