/** What the doctor says of stores that real runtimes left, whole and damaged, and of configurations. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { examineConfiguration } from '../../src/doctor/configuration.ts';
import { examineDataDirectory } from '../../src/doctor/data-directory.ts';
import type { Room } from '../../src/doctor/report.ts';
import { openStore } from '../../src/metrics/store.ts';

import { temporaryFolder } from '../policies/support.ts';
import { recordOf } from '../telemetry/record.ts';

const open = (dataDir: string) =>
  openStore({
    dataDir,
    now: () => Date.now() * 1000,
    retentionHours: 24,
    onWarning: () => undefined,
    writer: 'inline',
  });

async function storeWith(fill: (store: Awaited<ReturnType<typeof open>>) => Promise<void>): Promise<string> {
  const dataDir = temporaryFolder();
  const store = await open(dataDir);
  await fill(store);
  await store.close();
  return dataDir;
}

describe('a data directory', () => {
  it('that has no store yet is no problem; one that cannot be written to is', async () => {
    const folder = temporaryFolder();
    expect(await examineDataDirectory(join(folder, 'new', 'data'))).toMatchObject([{ subject: 'store', ok: true }]);
    writeFileSync(join(folder, 'file'), '');
    const [found] = await examineDataDirectory(join(folder, 'file', 'data'));
    expect(found).toMatchObject({ subject: 'store', ok: false, whatToDo: expect.stringContaining('dataDir') });
  });

  it('with a sound store is told in figures, and not changed', async () => {
    const timestampUs = Date.now() * 1000;
    const dataDir = await storeWith((store) =>
      store.append([recordOf({ timestampUs }), recordOf({ timestampUs, pool: 'api', transferId: 't2' })]),
    );
    const file = join(dataDir, 'lmdb', 'data.mdb');
    const before = readFileSync(file);
    const findings = await examineDataDirectory(dataDir);
    expect(findings.map(({ subject, ok }) => [subject, ok])).toEqual([
      ['store', true],
      ['models', true],
    ]);
    expect(findings[0]?.message).toMatch(/^2 records of 2 pools in [\d.]+ MiB, the last of 20/);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('whose file was cut off says what the next start will do', async () => {
    const dataDir = await storeWith((store) => store.append([recordOf({ timestampUs: Date.now() * 1000 })]));
    truncateSync(join(dataDir, 'lmdb', 'data.mdb'), 5_000);
    expect(await examineDataDirectory(dataDir)).toMatchObject([
      { subject: 'store', ok: false, whatToDo: expect.stringMatching(/moves it aside.*pitwall import/) },
    ]);
  });

  it('names models, learned state and policies that would be refused', async () => {
    const dataDir = await storeWith(async (store) => {
      await store.put('models', '"ml" 000001', { pool: 'ml', version: 'one' });
      await store.put('thresholds', 'ml', { costModel: { of: 'somebody else' } });
      await store.put('thresholds', 'api', { costModel: {}, platform: 'plan9-mips' });
      await store.put('policies', 'ml', { basis: 1 });
    });
    const wrong = (await examineDataDirectory(dataDir)).filter(({ ok }) => !ok);
    expect(wrong.map(({ subject, message }) => [subject, message])).toEqual([
      ['models', expect.stringMatching(/^"ml" 000001: /)],
      ['models', expect.stringContaining('what pool api has learned: learned on plan9-mips')],
      ['models', expect.stringContaining('what pool ml has learned: ')],
      ['store', 'the policy of pool ml cannot be read'],
    ]);
    for (const { whatToDo } of wrong) expect(whatToDo).not.toBe('');
  });
});

describe('a configuration', () => {
  const room: Room = {
    directory: '/dev/shm',
    directoryFreeBytes: 2 ** 30,
    controlGroupLimitBytes: undefined,
    availableBytes: 2 ** 30,
    machineBytes: 2 ** 34,
  };

  it('that is valid and fits is well', () => {
    expect(examineConfiguration({ pools: [{ name: 'ml' }] }, './pitwall-data', room)).toMatchObject([
      { ok: true, message: 'valid, 1 pool' },
    ]);
  });

  it.each([
    [{ explorationRate: 7, nonsense: 1 }, [/explorationRate/, /nonsense/]],
    [{ sharedMemoryLimitMb: 4_096 }, [/4096, and only 1024 MiB/]],
    [{ dataDir: '/elsewhere' }, [/\/elsewhere, and \.\/pitwall-data was looked at/]],
    [{ enabled: false }, [/every decision is gRPC/]],
    [{ dataDir: false }, [/nothing survives/]],
  ] as const)('%j is told', (options, expected) => {
    const wrong = examineConfiguration(options, './pitwall-data', room).filter(({ ok }) => !ok);
    expect(wrong.map(({ message }) => message).sort()).toEqual(
      expected.map((pattern) => expect.stringMatching(pattern)),
    );
    for (const { whatToDo } of wrong) expect(whatToDo).not.toBe('');
  });
});
