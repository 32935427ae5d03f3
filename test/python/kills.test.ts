/**
 * Workers in Python killed with -9 at random moments of transfers in both lanes: each transfer ends once, and nothing is left. With the package from
 * dist/. `PITWALL_KILLS=200` for the long form.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { tensor, type WorkerPool, type WorkerPoolStatus } from 'pitwall/transports';
import { describe, expect, it } from 'vitest';
import { isAlive, type TestRuntime, testPool, testRuntime, until } from '../transports/support.ts';
import { PYTHON, PYTHON_WORKERS } from './support.ts';

const KILLS = Number(process.env.PITWALL_KILLS ?? 10);
const PER_KILL_MS = 5_000;
const WIDTH = 4;

describe.skipIf(PYTHON === undefined)('kill -9', () => {
  it(
    `${KILLS} times: no transfer hangs or ends twice, no slice, descriptor, mapping, file or process is left`,
    async () => {
      const runtime = await testRuntime();
      const workers = await testPool(runtime, { script: PYTHON_WORKERS.script, size: 2, maxRestarts: 1_000 });
      const status = (): WorkerPoolStatus => workers.status();
      await Promise.all(Array.from({ length: 8 }, (_, i) => send(runtime, workers, i)));
      const shared = readdirSync('/dev/shm');
      const before = holdings();
      const counted = { sent: 0, done: 0, lost: 0 };
      const killed = new Set<number>();
      const traffic = Promise.all(
        Array.from({ length: WIDTH }, async (_, lane) => {
          for (let i = 0; killed.size < KILLS; i += 1) {
            counted.sent += 1;
            await send(runtime, workers, i * WIDTH + lane).then(
              () => {
                counted.done += 1;
              },
              (error) => {
                expect(error).toMatchObject({ code: 'PITWALL_WORKER_LOST' });
                counted.lost += 1;
              },
            );
          }
        }),
      );
      while (killed.size < KILLS) {
        await until(
          () => status().workers.some(({ pid, inFlight }) => pid && !killed.has(pid) && inFlight > 0),
          'work',
        );
        await sleep(Math.random() * 30);
        const victim = status().workers.find(({ pid, inFlight }) => pid && !killed.has(pid) && inFlight > 0)?.pid;
        if (victim === undefined) continue;
        process.kill(victim, 'SIGKILL');
        killed.add(victim);
      }
      await traffic;
      expect(counted.done + counted.lost).toBe(counted.sent);
      expect(counted.lost).toBeLessThanOrEqual(KILLS * WIDTH);
      await until(() => status().workers.every(({ state }) => state === 'ready'), 'the restarts');
      expect(status().workers.reduce((sum, { restarts }) => sum + restarts, 0)).toBe(KILLS);
      expect(status().arena).toMatchObject({ leases: 0, leasedBytes: 0, lost: 0 });
      for (let i = 0; i < 8; i += 1) await send(runtime, workers, i);
      await until(() => holdings().descriptors <= before.descriptors, 'the descriptors', 5_000);
      expect(holdings().regions).toBe(before.regions);
      expect(readdirSync('/dev/shm').filter((name) => !shared.includes(name) && isOurs(name))).toEqual([]);
      const last = status().workers.map(({ pid }) => pid ?? 0);
      await workers.close();
      expect([...killed, ...last].filter(isAlive)).toEqual([]);
      console.info(
        `${KILLS} workers killed: ${counted.sent} transfers sent, ${counted.done} done, ${counted.lost} lost`,
      );
    },
    KILLS * PER_KILL_MS + 60_000,
  );
});

/** Sizes of every kind, results as large as payloads, both lanes in turn. */
async function send(runtime: TestRuntime, workers: WorkerPool, i: number): Promise<void> {
  runtime.lane = i % 3 === 0 ? 'grpc' : 'zeroCopy';
  const length = [100, 20_000, 700_000][i % 3] ?? 100;
  const data = new Float32Array(length).fill(i % 1_000);
  const got = await workers.execute('negative', tensor(data), { idempotent: i % 5 === 0 });
  const { data: found } = got as { data: Float32Array };
  if (found.length !== length || found[length - 1] !== -(i % 1_000)) throw new Error('another result');
}

function holdings(): { descriptors: number; regions: number } {
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    regions: readFileSync('/proc/self/maps', 'utf8').match(/pitwall-[0-9a-f]{16}|\.region/g)?.length ?? 0,
  };
}

/** Folders of this process's own, whoever else runs tests beside it. */
function isOurs(name: string): boolean {
  return name.startsWith('pitwall-') && name.includes(`-${process.pid}-`);
}
