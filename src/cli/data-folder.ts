/** The store of a host, opened by a command beside it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openStore } from '../metrics/store.ts';
import type { MetricsStore } from '../metrics/store-types.ts';
import { UsageError } from './usage-error.ts';

export const DATA_DIR = {
  type: 'string',
  value: 'DIR',
  default: './pitwall-data',
  meaning: 'the data directory of a running or resting host',
} as const;

/** Ten years, the longest there is: a command must not clean up what its host still wants. */
const FOR_EVER_HOURS = 87_600;

/**
 * @param mode `existing`: there must be a data directory already, and nothing in it is changed; a live host goes on beside it
 * @throws UsageError where there is none; PitwallError where there is one that cannot be read
 */
export async function openDataFolder(dataDir: string, mode: 'existing' | 'create'): Promise<MetricsStore> {
  if (mode === 'existing' && !existsSync(join(dataDir, 'lmdb', 'data.mdb'))) {
    throw new UsageError(`--data-dir: ${JSON.stringify(dataDir)} is not the data directory of a pitwall host`);
  }
  return openStore({
    dataDir,
    now: () => Date.now() * 1000,
    retentionHours: FOR_EVER_HOURS,
    onWarning: (warning) => console.error(`pitwall: ${warning}`),
    readOnly: mode === 'existing',
  });
}
