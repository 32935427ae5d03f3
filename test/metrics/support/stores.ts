/** Opens real stores in directories that go away. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { type MetricsStore, openStore, type StoreOptions } from '../../../src/metrics/store.ts';
import { START_US } from './records.ts';

export interface Opened {
  readonly store: MetricsStore;
  readonly warnings: string[];
}

/** Call once per test file: returns helpers whose stores and directories are closed and removed after each test. */
export function stores() {
  const opened: MetricsStore[] = [];
  const directories: string[] = [];
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
  });
  const directory = (): string => {
    const path = mkdtempSync(join(tmpdir(), 'pitwall-store-'));
    directories.push(path);
    return path;
  };
  const open = async (options: Partial<StoreOptions> = {}): Promise<Opened> => {
    const warnings: string[] = [];
    const store = await openStore({
      dataDir: directory(),
      now: () => START_US + 3_600_000_000,
      retentionHours: 168,
      onWarning: (message) => warnings.push(message),
      ...options,
    });
    opened.push(store);
    return { store, warnings };
  };
  const adopt = <T extends MetricsStore>(store: T): T => {
    opened.push(store);
    return store;
  };
  return { open, directory, adopt };
}
