/** The store of a host, opened by a command beside it. */
import { existsSync } from 'node:fs';
import { InvalidArgumentError } from '../errors.ts';
import { openStore } from '../metrics/store.ts';
import type { MetricsStore } from '../metrics/store-types.ts';

export const DATA_DIR = { type: 'string', default: './pitwall-data' } as const;

/** Ten years, the longest there is: a command must not clean up what its host still wants. */
const FOR_EVER_HOURS = 87_600;

/**
 * @param mode `existing`: there must be a data directory already
 * @throws InvalidArgumentError where there is none
 */
export async function openDataFolder(dataDir: string, mode: 'existing' | 'create'): Promise<MetricsStore> {
  if (mode === 'existing' && !existsSync(dataDir)) {
    throw new InvalidArgumentError('--data-dir', dataDir, 'the data directory of a pitwall host');
  }
  return openStore({
    dataDir,
    now: () => Date.now() * 1000,
    retentionHours: FOR_EVER_HOURS,
    onWarning: (warning) => console.error(warning),
  });
}
