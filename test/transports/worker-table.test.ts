import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ReadyWorker, Taken } from '../../src/transports/worker-table.ts';
import { WorkerTable, type WorkerTableOptions } from '../../src/transports/worker-table.ts';

function table(options: Partial<WorkerTableOptions> = {}): WorkerTable {
  return new WorkerTable({
    pool: 'p',
    size: 2,
    maxInFlight: 2,
    maxBytesInFlight: 100,
    maxQueue: 3,
    onChange: () => undefined,
    ...options,
  });
}

/** The table only hands it on. */
const worker = (index: number): ReadyWorker => ({ index, pid: 100 + index, client: {}, courier: {} }) as ReadyWorker;
const request = { command: 'c', bytes: 1, signal: undefined, timeoutMs: Number.POSITIVE_INFINITY };

function noting(order: string[], name: string): (taken: Taken) => Taken {
  return (taken) => {
    order.push(name);
    return taken;
  };
}

describe('the table of workers', () => {
  it('takes the least loaded, then has callers wait in their order', async () => {
    const workers = table();
    workers.add(worker(0));
    workers.add(worker(1));
    const taken = await Promise.all([1, 2, 3, 4].map(() => workers.take(request)));
    expect(taken.map((each) => each.worker.index)).toEqual([0, 1, 0, 1]);
    const order: string[] = [];
    const waiting = ['a', 'b'].map((name) => workers.take(request).then(noting(order, name)));
    const urgent = workers.take({ ...request, first: true }).then(noting(order, 'urgent'));
    expect(workers.waiting).toBe(3);
    await setImmediate();
    for (const each of taken.slice(0, 3)) each.release();
    await Promise.all([...waiting, urgent]);
    expect(order).toEqual(['urgent', 'a', 'b']);
  });

  it('refuses more than may wait, at once, and counts it', async () => {
    const workers = table();
    const waiting = [1, 2, 3].map(() => workers.take(request));
    await expect(workers.take(request)).rejects.toMatchObject({ code: 'PITWALL_POOL_OVERLOADED', retryable: false });
    expect(workers.refused).toBe(1);
    workers.add(worker(0));
    const [first, second] = await Promise.all(waiting.slice(0, 2));
    first?.release();
    second?.release();
    await waiting[2];
  });

  it('bounds the bytes in flight; a larger payload goes alone, and is not overtaken for ever', async () => {
    const workers = table({ maxInFlight: 10 });
    workers.add(worker(0));
    const small = await workers.take({ ...request, bytes: 60 });
    const order: string[] = [];
    const large = workers.take({ ...request, bytes: 500 }).then(noting(order, 'large'));
    const next = workers.take({ ...request, bytes: 1 }).then(noting(order, 'next'));
    await setImmediate();
    expect(order).toEqual([]);
    small.release();
    (await large).release();
    (await next).release();
    expect(order).toEqual(['large', 'next']);
  });

  it('who gives up, or waits too long, leaves the queue', async () => {
    const workers = table();
    const gaveUp = new AbortController();
    const aborted = workers.take({ ...request, signal: gaveUp.signal });
    const late = workers.take({ ...request, timeoutMs: 5 });
    gaveUp.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await expect(late).rejects.toMatchObject({ code: 'PITWALL_TRANSFER_TIMEOUT' });
    expect(workers.waiting).toBe(0);
  });

  it('a restart counts anew: places of the worker before are not given back to the one after', async () => {
    const workers = table({ size: 1 });
    workers.add(worker(0));
    const before = await workers.take(request);
    workers.remove(0);
    workers.add(worker(0));
    const [one, two] = [await workers.take(request), await workers.take(request)];
    before.release();
    before.release();
    expect(workers.status()).toEqual([
      { index: 0, pid: 100, state: 'ready', inFlight: 2, restarts: 1, attached: true },
    ]);
    one.release();
    two.release();
    expect(workers.inFlight).toBe(0);
  });

  it('knows a silent worker that is awaited from one that is stuck', async () => {
    const workers = table({ size: 1 });
    workers.add(worker(0));
    const silentSinceMs = performance.now() - 1;
    const [one, two] = [await workers.take(request), await workers.take(request)];
    expect([workers.isAwaited(0, performance.now()), workers.isStuck(0)]).toEqual([true, false]);
    // Both came after the silence began: they wait behind what nobody awaits.
    expect(workers.isAwaited(0, silentSinceMs)).toBe(false);
    one.abandon();
    two.abandon();
    expect([workers.isAwaited(0, performance.now()), workers.isStuck(0)]).toEqual([false, true]);
    one.release();
    expect(workers.isStuck(0)).toBe(false);
    workers.suspect(0, worker(0));
    two.release();
    expect(workers.inFlight).toBe(0);
  });

  it('closed, it tells everybody; opened again, it serves', async () => {
    const workers = table({ size: 1 });
    const waiting = workers.take(request);
    workers.close(new Error('over'));
    await expect(waiting).rejects.toThrow('over');
    await expect(workers.take(request)).rejects.toThrow('over');
    workers.open();
    workers.add(worker(0));
    await expect(workers.take(request)).resolves.toMatchObject({ worker: { index: 0 } });
  });
});
