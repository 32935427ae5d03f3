/** The recorder between a real queue and a real store. */
import { afterEach, describe, expect, it } from 'vitest';
import { type RecorderArgs, recorder } from '../../src/actors/recorder.ts';
import type { TransferRecord } from '../../src/metrics/record.ts';
import { RecordQueue } from '../../src/metrics/record-queue.ts';
import {
  call,
  cast,
  createTestClock,
  type System,
  started,
  startGenServer,
  startSystem,
  stop,
  stopSystem,
} from '../../src/otp/index.ts';
import { traffic } from './support/records.ts';
import { stores } from './support/stores.ts';

const { open } = stores();
const systems: System[] = [];
afterEach(async () => {
  for (const system of systems.splice(0)) await stopSystem(system);
});

async function startRecorder(overrides: Partial<RecorderArgs> = {}) {
  const { store } = await open({ dataDir: false });
  const clock = createTestClock();
  const queue = new RecordQueue(65_536);
  const batches: number[] = [];
  const taught: string[] = [];
  const trouble: string[] = [];
  const system = startSystem({ clock });
  systems.push(system);
  const args: RecorderArgs = {
    queue,
    teach: (records) => taught.push(...records.map(({ transferId }) => transferId)),
    store: async (records) => {
      await store.append(records);
      batches.push(records.length);
    },
    flush: () => store.flush(),
    onStoreFailure: () => trouble.push('failure'),
    onStoreRecovered: () => trouble.push('recovered'),
    ...overrides,
  };
  const actor = started(await startGenServer(system, recorder, args));
  queue.onWake = () => cast(actor, { type: 'records_wait' });
  const push = (records: readonly TransferRecord[]) => records.every((record) => queue.push(record));
  return { actor, queue, push, store, clock, batches, taught, trouble };
}

describe('the recorder', () => {
  it('takes what waits in batches of up to 8192, and teaches all of it in order', async () => {
    const { actor, push, store, batches, taught } = await startRecorder();
    const records = traffic({ count: 20_000 });
    expect(push(records)).toBe(true);
    expect(await call(actor, { type: 'flush' })).toEqual({ pending: 0 });
    expect(batches).toEqual([8192, 8192, 3616]);
    expect(store.count()).toBe(20_000);
    expect(taught).toEqual(records.map(({ transferId }) => transferId));
  });

  it('answers a flush under traffic that never ends, and gathers what comes meanwhile', async () => {
    let stream = traffic({ count: 60_000 });
    const batches: number[] = [];
    const started = await startRecorder({
      store: async (records) => {
        batches.push(records.length);
        // As many come in as a commit takes.
        started.push(stream.splice(0, 100));
      },
    });
    started.push(stream.splice(0, 500));
    expect(await call(started.actor, { type: 'flush' })).toEqual({ pending: 0 });
    expect(batches).toEqual([500]);
    // The first timer of a start, and this question: one batch each, of what had come.
    started.clock.advance(49);
    await call(started.actor, { type: 'flush' });
    expect(batches).toEqual([500, 100, 100]);
    stream = [];
  });

  it('stores what came meanwhile when the gathering time is over, without being woken', async () => {
    let late: TransferRecord[] = traffic({ count: 3, firstSequence: 900 });
    const { actor, push, store, clock } = await startRecorder({
      store: async (records) => {
        push(late.splice(0));
        await store.append(records);
      },
    });
    push(traffic({ count: 10 }));
    await call(actor, { type: 'flush' });
    expect(store.count()).toBe(10);
    clock.advance(50);
    // A question to the actor is answered after what the timer sent.
    await call(actor, { type: 'flush' });
    expect(store.count()).toBe(13);
    late = [];
  });

  it('keeps what a store refuses, asks again later and later, and says so once when it recovers', async () => {
    let full = true;
    const { actor, queue, push, store, clock, trouble, batches } = await startRecorder({
      store: async (records) => {
        batches.push(records.length);
        if (full) throw new Error('full');
        await store.append(records);
      },
    });
    push(traffic({ count: 10_000 }));
    expect(await call(actor, { type: 'flush' })).toEqual({ pending: 10_000 });
    expect([queue.pendingStore, queue.pendingTeach, trouble]).toEqual([10_000, 0, ['failure']]);
    full = false;
    while (queue.pendingStore > 0) {
      clock.advance(500);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(store.count()).toBe(10_000);
    expect(trouble).toEqual(['failure', 'recovered']);
    expect(batches).toEqual([8192, 8192, 1808]);
  });

  it('stores everything before it stops', async () => {
    const { actor, push, store } = await startRecorder();
    push(traffic({ count: 5000 }));
    await stop(actor, 'shutdown');
    expect(store.count()).toBe(5000);
  });
});
