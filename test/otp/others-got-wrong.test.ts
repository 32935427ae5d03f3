import { describe, expect, it, onTestFinished } from 'vitest';
import {
  call,
  cast,
  createTestClock,
  deadLetters,
  exit,
  type GenServer,
  named,
  next,
  restartChild,
  started,
  startGenServer,
  startSupervisor,
  suspend,
  terminateChild,
  whenDown,
  whereis,
  whichChildren,
  workerSpec,
} from '../../src/otp/index.ts';
import { type Add, type Get, type Probe, probe } from './probe.ts';
import { Collected, testSystem, turns } from './support.ts';

// Faults of other supervision libraries for Node, each with what happens here. Those that need a process of their own (an idle host that
// does not end, an unhandled rejection that ends it) are in host-process.test.ts.

describe('what other libraries got wrong', () => {
  it('two children that crash in one tick restart in the order of their crashes, without polling', async () => {
    const clock = createTestClock();
    const starts = new Collected<string>();
    const system = testSystem({ clock });
    const children = ['a', 'b', 'c'].map((id) =>
      workerSpec(id, probe, { onStart: () => starts.add(id) }, { register: id }),
    );
    started(await startSupervisor(system, { intensity: 5 }, children));
    for (const id of ['c', 'a']) {
      const ref = whereis(system, id);
      if (ref !== undefined) exit(ref, 'boom');
    }
    await starts.count(5);
    expect(starts.all).toEqual(['a', 'b', 'c', 'c', 'a']);
    expect(clock.pending).toBe(0); // no timer drives a supervisor, so an idle one keeps no host alive
  });

  it('two children of a one_for_all that crash in one tick cause one restart of all, and one only', async () => {
    const starts = new Collected<string>();
    const system = testSystem();
    const children = ['a', 'b'].map((id) => workerSpec(id, probe, { onStart: () => starts.add(id) }, { register: id }));
    const root = started(await startSupervisor(system, { strategy: 'one_for_all', intensity: 1 }, children));
    for (const id of ['a', 'b']) {
      const ref = whereis(system, id);
      if (ref !== undefined) exit(ref, 'boom');
    }
    await turns(10);
    expect(starts.all).toEqual(['a', 'b', 'a', 'b']);
    expect(root.alive).toBe(true);
  });

  it('a child that was terminated keeps its spec', async () => {
    const system = testSystem();
    const root = started(await startSupervisor(system, {}, [workerSpec('a', probe, {})]));
    await terminateChild(root, 'a');
    expect(await whichChildren(root)).toEqual([{ id: 'a', child: undefined, type: 'worker' }]);
    expect(await restartChild(root, 'a')).toMatchObject({ type: 'ok' });
  });

  it('a start that throws leaves no zombie, and is tried again at the end of the queue', async () => {
    const system = testSystem();
    let attempts = 0;
    const unsteady: GenServer<undefined, number, Get, Add> = {
      init() {
        attempts += 1;
        if (attempts === 2 || attempts === 3) throw new Error('not yet');
        return next.ok(attempts);
      },
      handleCall: (_message, _from, state) => next.reply(state, state),
      handleCast: (_message, state) => next.stop('boom', state),
    };
    const spec = workerSpec('a', unsteady, undefined, { register: 'a' });
    const root = started(await startSupervisor(system, { intensity: 5 }, [spec]));
    cast(named<never, Add>(system, 'a'), { type: 'add' });
    await turns(10);
    expect(await call(named<Get>(system, 'a'), { type: 'get' })).toBe(4);
    expect([...system.processes].map(({ name }) => name).sort()).toEqual(['a', 'supervisor', 'test']);
    expect(root.alive).toBe(true);
  });

  it('a shutdown has a deadline and does not spin: a child that hangs is killed after its time, waited for without work', async () => {
    const clock = createTestClock();
    const system = testSystem({ clock });
    const hanging = { trapExit: true, onTerminate: () => new Promise<void>(() => undefined) };
    const root = started(
      await startSupervisor(system, {}, [workerSpec('a', probe, hanging, { shutdown: 200, register: 'a' })]),
    );
    const child = whereis(system, 'a');
    const stopped = terminateChild(root, 'a');
    await turns();
    expect(system.scheduler.idle).toBe(true);
    clock.advance(199);
    expect(child?.alive).toBe(true);
    clock.advance(1);
    expect(await stopped).toEqual({ type: 'ok' });
    expect(child?.exitReason).toBe('killed');
  });

  it('a crash with 100 messages queued: they are lost, as in OTP, and counted; waiting callers hear at once', async () => {
    const system = testSystem();
    const root = started(
      await startSupervisor(system, { intensity: 5 }, [workerSpec('a', probe, {}, { register: 'a' })]),
    );
    const ref: Probe | undefined = whereis(system, 'a');
    if (ref === undefined) throw new Error('it did not start');
    await suspend(ref);
    for (let i = 0; i < 99; i += 1) cast(ref, { type: 'add' });
    const waiting = call(ref, { type: 'get' });
    exit(ref, 'boom');
    await expect(waiting).rejects.toMatchObject({ reason: 'boom' });
    await turns(5);
    expect(deadLetters(system)).toEqual({ noproc: 0, unread: 100, dropped: 0 });
    expect(await call(named<Get>(system, 'a'), { type: 'get' })).toBe(0);
    expect(root.alive).toBe(true);
  });

  it('a million calls that time out leave the heap flat', { timeout: 120_000 }, async () => {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0; // a million stack traces are not what is tested, and take most of the time
    onTestFinished(() => {
      Error.stackTraceLimit = stackTraceLimit;
    });
    const clock = createTestClock();
    const system = testSystem({ clock });
    const silent: GenServer<undefined, number, Get> = {
      init: () => next.ok(0),
      handleCall: (_message, _from, state) => next.noreply(state + 1),
    };
    const ref = started(await startGenServer(system, silent, undefined));
    const fail = (): never => {
      throw new Error('it was answered');
    };
    const round = async () => {
      let timeouts = 0;
      const count = ({ reason }: { reason?: unknown }): void => {
        if (reason === 'timeout') timeouts += 1;
      };
      const calls = Array.from({ length: 2_000 }, () =>
        call(ref, { type: 'get' }, { timeoutMs: 50 }).then(fail, count),
      );
      await turns(2);
      clock.advance(50);
      await Promise.all(calls);
      expect(timeouts).toBe(2_000);
    };
    for (let i = 0; i < 50; i += 1) await round();
    const before = heapBytes();
    for (let i = 0; i < 500; i += 1) await round();
    expect(heapBytes() - before).toBeLessThan(3e6);
    expect(clock.pending).toBe(0);
  });

  it('a handler that fails after its process was killed disturbs nobody', async () => {
    const system = testSystem();
    const ref = started(await startGenServer(system, probe, {}));
    let fail: (error: Error) => void = () => undefined;
    const failing = new Promise<void>((_done, failed) => {
      fail = failed;
    });
    cast(ref, { type: 'run', run: () => failing });
    await turns();
    exit(ref, 'kill');
    fail(new Error('too late'));
    await turns();
    expect(await whenDown(ref)).toBe('killed');
  });
});

function heapBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
