/**
 * Host or worker killed with -9 at any moment of a transfer, in real processes of the built package (dist/). `PITWALL_KILLS=200` for the long form.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { ArenaStats, MemoryLane } from '../../src/transports/memory/types.ts';

const LANES: readonly MemoryLane[] = ['memfd', 'file', 'copy'];
const KILLS = Number(process.env.PITWALL_KILLS ?? 4);
const PER_KILL_MS = 10_000;

interface Summary {
  readonly count: {
    readonly sent: number;
    readonly completed: number;
    readonly failed: number;
    readonly workers: number;
  };
  readonly stats: ArenaStats;
  readonly before: object;
  readonly after: object;
}
type Said = { readonly pid: number } | Summary;

let folder = '';
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.runIf(process.platform === 'linux').each(LANES)('lane %s', (lane) => {
  function startHost(): ChildProcess {
    return fork(fileURLToPath(new URL('fixtures/traffic.mjs', import.meta.url)), [lane, folder]);
  }

  it(
    `loses no slice, descriptor or mapping to ${KILLS} workers killed in the middle`,
    async () => {
      folder = mkdtempSync('/dev/shm/pitwall-test-');
      const host = startHost();
      for (let kill = 0; kill < KILLS; kill += 1) {
        const { pid } = await said<{ pid: number }>(host);
        await anyMoment();
        process.kill(pid, 'SIGKILL');
      }
      await said(host);
      host.send('stop');
      const { count, stats, before, after } = await said<Summary>(host);
      // Each transfer ended once, one way or the other.
      expect(count.completed + count.failed).toBe(count.sent);
      expect(count.failed).toBeLessThanOrEqual(count.workers);
      expect(count.completed).toBeGreaterThan(0);
      expect(stats).toMatchObject({ leases: 0, leasedBytes: 0, refused: 0, lost: 0 });
      expect(Number(Reflect.get(after, 'descriptors'))).toBeLessThanOrEqual(Number(Reflect.get(before, 'descriptors')));
      expect(after).toMatchObject({ regions: 0 });
      expect(readdirSync(folder)).toEqual([]);
    },
    KILLS * PER_KILL_MS + 60_000,
  );

  it(
    `leaves nothing of ${KILLS} hosts killed in the middle, nor their workers`,
    async () => {
      folder = mkdtempSync('/dev/shm/pitwall-test-');
      const workers: number[] = [];
      for (let kill = 0; kill < KILLS; kill += 1) {
        const host = startHost();
        const exited = once(host, 'exit');
        workers.push((await said<{ pid: number }>(host)).pid);
        await anyMoment();
        host.kill('SIGKILL');
        await exited;
        // The next host takes away what the last one left.
        expect(readdirSync(folder).length).toBeLessThanOrEqual(lane === 'memfd' ? 0 : 1);
      }
      const last = startHost();
      const { pid } = await said<{ pid: number }>(last);
      last.send('stop');
      await said<Summary>(last);
      expect(readdirSync(folder)).toEqual([]);
      for (const each of [...workers, pid]) await gone(each);
    },
    KILLS * PER_KILL_MS + 60_000,
  );
});

async function said<T extends Said>(host: ChildProcess): Promise<T> {
  const heard = new AbortController();
  const { signal } = heard;
  const ended = once(host, 'exit', { signal }).then(([code, by]) => {
    throw new Error(`the host ended with ${by ?? `code ${code}`}`);
  });
  try {
    const [message] = await Promise.race([once(host, 'message', { signal }), ended]);
    return message;
  } finally {
    heard.abort();
  }
}

/** Somewhere in the transfers that follow. */
function anyMoment(): Promise<void> {
  return sleep(Math.random() * 40);
}

/** Resolves when a process is no more; the test's own limit of time is the end of patience. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await sleep(20);
  }
}
