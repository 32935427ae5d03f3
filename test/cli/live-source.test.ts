/** A host that starts afresh while someone watches: the watcher goes on with its new store. */
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LiveSource } from '../../src/cli/live-source.ts';
import { record } from '../metrics/support/records.ts';
import { stores } from '../metrics/support/stores.ts';

const { open, directory } = stores();

it('sees what is written meanwhile, and the store that takes the place of another', async () => {
  const dataDir = directory();
  const now = (): number => Date.now() * 1000;
  const { store: first } = await open({ dataDir, now });
  await first.append([record({ pool: 'ml', timestampUs: now() })]);

  const source = new LiveSource(dataDir, 60_000, undefined);
  await source.open();
  expect((await source.read()).pools).toMatchObject([{ pool: 'ml', transfers: 1 }]);
  await first.append([record({ pool: 'ml', timestampUs: now() }), record({ pool: 'etl', timestampUs: now() })]);
  expect((await source.read()).pools).toMatchObject([
    { pool: 'etl', transfers: 1 },
    { pool: 'ml', transfers: 2 },
  ]);

  await first.close();
  renameSync(join(dataDir, 'lmdb'), join(dataDir, 'aside'));
  const { store: second } = await open({ dataDir, now });
  await second.append([record({ pool: 'new', timestampUs: now() })]);
  expect((await source.read()).pools).toMatchObject([{ pool: 'new', transfers: 1 }]);

  await second.close();
  rmSync(join(dataDir, 'lmdb'), { recursive: true });
  // Between two files there is a moment without one.
  expect((await source.read()).pools).toMatchObject([{ pool: 'new', transfers: 1 }]);
  await source.close();
});
