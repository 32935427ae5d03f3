/** Workers in Node that die, hang and fail, and pools that do not come to life, with the package from dist/. */
import { describe, expect, it } from 'vitest';
import { faultCases, LANES, noteFile } from './fault-cases.ts';
import { isAlive, NODE, notes, testPool, testRuntime, until } from './support.ts';

faultCases(NODE);

describe.each(LANES)('%s', (lane) => {
  it('an idempotent command is sent again, to a limit', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, { size: 2 });
    runtime.lane = lane;
    const file = noteFile();
    const run = workers.execute('wait', { ms: 400, file }, { idempotent: true });
    await until(() => notes(file) === 'began\n', 'the handler');
    for (const { pid, inFlight } of workers.status().workers) if (pid && inFlight > 0) process.kill(pid, 'SIGKILL');
    expect(await run).toBe('waited');
    expect(notes(file)).toBe('began\nbegan\nended\n');
    expect(runtime.legs).toMatchObject([{ lane, outcome: 'ignored' }]);

    const deadly = noteFile();
    await expect(workers.execute('dies', { file: deadly }, { idempotent: true })).rejects.toMatchObject({
      code: 'PITWALL_WORKER_LOST',
    });
    expect(notes(deadly)).toBe('began\n'.repeat(5));
    expect(await workers.execute('echo', 1)).toBe(1);
  });
});

describe('a pool whose workers do not live', () => {
  it('a script that cannot be loaded: the start fails with the reason, nothing is left', async () => {
    const runtime = await testRuntime();
    const missing = new URL('./fixtures/no-such-worker.mjs', import.meta.url);
    await expect(testPool(runtime, { script: missing })).rejects.toThrow(/no-such-worker/);
    await expect(testPool(runtime, { script: new URL('./support.ts', import.meta.url) })).rejects.toThrow(
      /could not start/,
    );
    await expect(testPool(runtime, { command: ['/no/such/program'] })).rejects.toThrow(/could not be started/);
    await expect(testPool(runtime, { command: [process.execPath, '-e', 'process.exit(3)'] })).rejects.toThrow(/code 3/);
    await expect(
      testPool(runtime, { command: [process.execPath, '-e', 'require("fs").writeSync(3, "hello\\n")'] }),
    ).rejects.toThrow(/something else/);
    await expect(
      testPool(runtime, { command: [process.execPath, '-e', 'setTimeout(() => {}, 1e6)'], startTimeoutMs: 200 }),
    ).rejects.toThrow(/not ready within 200 ms/);
    expect(runtime.published.at(-1)).toBeUndefined();
    expect(await (await testPool(runtime)).execute('echo', 1)).toBe(1);
  });

  it('one that dies at every command is given up; callers hear so', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, { maxRestarts: 1 });
    const outcomes = [];
    for (let i = 0; i < 6; i += 1) outcomes.push(await workers.execute('dies', {}).catch((error) => error.code));
    expect(outcomes[0]).toBe('PITWALL_WORKER_LOST');
    expect(outcomes.at(-1)).toBe('PITWALL_POOL_CLOSED');
    expect(runtime.published.at(-1)).toBeUndefined();
  });

  it('closes: commands in flight end, those that wait too long fail, the processes are gone', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, { size: 2, maxInFlight: 1 });
    const pids = workers.status().workers.map(({ pid }) => pid ?? 0);
    const inFlight = [workers.execute('wait', { ms: 200 }), workers.execute('wait', { ms: 60_000 })];
    const waiting = workers.execute('wait', { ms: 60_000 });
    const outcomes = Promise.allSettled([...inFlight, waiting]);
    await workers.close({ drainMs: 1_000 });
    await workers.close();
    expect((await outcomes).map((each) => (each.status === 'fulfilled' ? each.value : each.reason.code))).toEqual([
      'waited',
      'PITWALL_WORKER_LOST',
      expect.stringMatching(/PITWALL_(POOL_CLOSED|WORKER_LOST)/),
    ]);
    expect(pids.some(isAlive)).toBe(false);
    await expect(workers.execute('echo', 1)).rejects.toMatchObject({ code: 'PITWALL_POOL_CLOSED' });
    expect(runtime.published.at(-1)).toBeUndefined();
  });
});
