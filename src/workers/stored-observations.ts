/** What learners see of stored records: the newest successes of a pool, in order of time. */
import type { Observation } from '../learning/types.ts';
import { openLmdb } from '../metrics/lmdb-key-value.ts';
import { toObservation } from '../metrics/observation.ts';
import { ReadCounters } from '../metrics/read-counters.ts';
import { RecordReader } from '../metrics/record-reader.ts';
import { MAX_ROWS } from './observation-columns.ts';

/**
 * Reads through an environment of its own, which is closed again. Rejects as `openLmdb` does.
 *
 * @param fromUs older records are left out, Unix microseconds
 */
export async function readStoredObservations(
  path: string,
  pool: string,
  limit: number,
  fromUs = 0,
): Promise<Observation[]> {
  const environment = await openLmdb({ path, mapSizeLimit: undefined, readOnly: true });
  try {
    const reader = new RecordReader(environment, new ReadCounters(ignoreDamage), () => environment.refresh());
    const newest: Observation[] = [];
    const query = { pool, outcome: 'success', reverse: true, limit: Math.min(limit, MAX_ROWS), fromUs } as const;
    for (const record of reader.records(query)) {
      const observation = toObservation(record);
      if (observation !== undefined) newest.push(observation);
    }
    return newest.reverse();
  } finally {
    await environment.close();
  }
}

/** The store reports damaged blocks when it reads them itself; here they are rows that are missing. */
function ignoreDamage(): void {}
