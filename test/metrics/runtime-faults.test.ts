/** What a sick store does to a runtime: nothing that its decisions notice. Real files, real disks, through the built package. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Runtime, type RuntimeOptions, startRuntime } from 'pitwall';
import { type ServerRef, send, systemClock } from 'pitwall/otp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { smallDisk } from './support/small-disk.ts';
import { stores } from './support/stores.ts';

const { directory } = stores();
const disk = smallDisk(8);

async function start(dataDir: string, options: RuntimeOptions = {}) {
  const warnings: string[] = [];
  const quiet = () => undefined;
  const logger = { debug: quiet, info: quiet, warn: (text: string) => void warnings.push(text), error: quiet };
  const runtime = await startRuntime({ dataDir, logger, pools: [{ name: 'ml', explorationRate: 0 }], ...options });
  onTestFinished(() => runtime.shutdown());
  return { runtime, warnings };
}

/** Decides and records; every decision must be a real one. */
function transfer(runtime: Runtime, count: number): void {
  for (let index = 0; index < count; index += 1) {
    const request = { pool: 'ml', dataSize: 20e6 + index, dataType: 'tensor', format: 'numpy' };
    const decision = runtime.decideTransferMethod(request);
    if (decision.fallback) throw new Error(`a decision fell back: ${decision.reason}`);
    runtime.recordTransferMetrics(decision.transferId, { latencyUs: 900 + (index % 977), cpuTimeUs: index % 311 });
  }
}

const counted = async (runtime: Runtime) => (await runtime.analyzer.getStatistics({ pool: 'ml' })).count;

/** Asks the store's actor to look after its store, as it does each minute. */
function lookAfterStore(runtime: Runtime): void {
  const actor = runtime.whereis('metrics_store');
  if (actor === undefined) throw new Error('there is no store');
  send(actor as ServerRef<never, never, { readonly type: 'retain' }>, { type: 'retain' }); // what that name stands for
}

async function until(check: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let look = 0; look < 400; look += 1) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`not within 10 s: ${what}`);
}

const DAMAGES: readonly { readonly damage: string; readonly inflict: (file: string) => void }[] = [
  { damage: 'truncated', inflict: (file) => truncateSync(file, Math.floor(statSync(file).size / 2)) },
  {
    damage: 'overwritten',
    inflict: (file) => writeFileSync(file, readFileSync(file).fill(0xa5, 8192)),
  },
  { damage: 'foreign', inflict: (file) => writeFileSync(file, 'SQLite format 3\0'.repeat(4000)) },
];

describe('a runtime', () => {
  it.each(DAMAGES)(
    'whose store is $damage starts, reports it once, keeps the file aside, and records anew',
    async ({ inflict }) => {
      const dataDir = directory();
      const first = await start(dataDir);
      transfer(first.runtime, 2000);
      expect(await first.runtime.flush()).toBe(0);
      await first.runtime.shutdown();
      inflict(join(dataDir, 'lmdb', 'data.mdb'));
      const { runtime, warnings } = await start(dataDir);
      expect(runtime.status.state).toBe('running');
      expect(warnings.filter((text) => text.includes('damaged'))).toHaveLength(1);
      const aside = readdirSync(dataDir).filter((name) => name.startsWith('damaged-'));
      expect(aside).toHaveLength(1);
      expect(readdirSync(join(dataDir, aside[0] ?? ''))).toContain('data.mdb');
      transfer(runtime, 100);
      expect(await runtime.flush()).toBe(0);
      expect(await counted(runtime)).toBe(100);
    },
  );

  it('whose lmdb cannot be loaded says so once, keeps its records in memory, and decides', () => {
    const file = fileURLToPath(new URL('fixtures/without-lmdb.js', import.meta.url));
    const dataDir = directory();
    const said = JSON.parse(
      execFileSync(process.execPath, ['--unhandled-rejections=strict', file, dataDir], { encoding: 'utf8' }),
    );
    expect(said).toMatchObject({ methods: ['zero_copy'], pending: 0, count: 200, status: { state: 'degraded' } });
    expect(said.status.reasons.join()).toContain('PITWALL_STORE_UNAVAILABLE');
    expect(said.warnings.filter((text: string) => text.includes('nothing will survive'))).toHaveLength(1);
  });
});

describe('a runtime with a size limit', () => {
  it('gives up its oldest records when it is reached, at once, and goes on storing', async () => {
    const dataDir = directory();
    let hour = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + hour * 3_600_000 };
    const { runtime } = await start(dataDir, { metricsRetentionMb: 4, clock });
    let recorded = 0;
    for (; hour < 40 && (await counted(runtime)) === recorded; hour += 1) {
      transfer(runtime, 15_000);
      recorded += 15_000;
      await until(async () => (await runtime.flush()) === 0, 'what waits is stored');
    }
    const kept = await counted(runtime);
    expect(kept).toBeLessThan(recorded);
    expect(kept).toBeGreaterThan(recorded / 2);
    expect(runtime.refusals.droppedRecords).toBe(0);
    expect(runtime.restarts).toBe(0);
    expect(statSync(join(dataDir, 'lmdb', 'data.mdb')).size).toBeLessThan(6 * 2 ** 20);
  });
});

describe.runIf(disk !== undefined)('a runtime on a disk', () => {
  it('that is full decides, drops what does not fit its queue, counts it, and stores again when there is room', async () => {
    const { runtime } = await start(join(disk?.path ?? '', 'full'), { queueCapacity: 4096 });
    transfer(runtime, 1000);
    expect(await runtime.flush()).toBe(0);
    disk?.fill(0);
    // Until the file's own free pages are used up and the queue is full.
    for (let round = 0; round < 40 && (runtime.refusals.droppedRecords ?? 0) === 0; round += 1) {
      transfer(runtime, 4000);
      await runtime.flush();
    }
    const { droppedRecords = 0 } = runtime.refusals;
    expect(droppedRecords).toBeGreaterThan(0);
    const before = await counted(runtime);
    transfer(runtime, 100);
    expect(await counted(runtime)).toBe(before);
    disk?.makeRoom();
    await until(async () => (await runtime.flush()) === 0, 'the queue is stored');
    transfer(runtime, 100);
    expect(await runtime.flush()).toBe(0);
    expect(await counted(runtime)).toBeGreaterThan(before);
    expect(runtime.restarts).toBe(0);
    await runtime.shutdown();
  });

  it('that is read-only decides, records in memory, and moves to the disk when that can be written', async () => {
    const dataDir = join(disk?.path ?? '', 'read-only');
    const first = await start(dataDir);
    transfer(first.runtime, 10);
    await first.runtime.shutdown();
    disk?.readOnly(true);
    const { runtime, warnings } = await start(dataDir);
    try {
      transfer(runtime, 50);
      expect(await runtime.flush()).toBe(0);
      expect(runtime.status.state).toBe('degraded');
      expect(runtime.status.reasons.join()).toContain('PITWALL_STORE_READ_ONLY');
    } finally {
      disk?.readOnly(false);
    }
    lookAfterStore(runtime);
    await until(() => runtime.status.state === 'running', 'the store is durable');
    expect(await counted(runtime)).toBe(60);
    transfer(runtime, 5);
    expect(await runtime.flush()).toBe(0);
    expect(runtime.restarts).toBe(0);
    expect(warnings.filter((text) => text.includes('nothing will survive'))).toHaveLength(1);
    await runtime.shutdown();
    const again = await start(dataDir);
    expect(await counted(again.runtime)).toBe(65);
    await again.runtime.shutdown();
  });
});
