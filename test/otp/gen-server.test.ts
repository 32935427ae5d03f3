import { describe, expect, it } from 'vitest';
import {
  type Call,
  call,
  cast,
  createTestClock,
  deadLetters,
  Exit,
  exit,
  type From,
  type GenServer,
  multiCall,
  named,
  next,
  reply,
  send,
  started,
  startGenServer,
  stop,
  whenDown,
  whereis,
} from '../../src/otp/index.ts';
import { type Get, type Probe, probe } from './probe.ts';
import { Collected, testSystem, turns } from './support.ts';

const startProbe = async (system = testSystem(), args = {}): Promise<Probe> =>
  started(await startGenServer(system, probe, args));

describe('calls', () => {
  it('are answered in order, with what casts did before them', async () => {
    const ref = await startProbe();
    cast(ref, { type: 'add' });
    const first = call(ref, { type: 'get' });
    cast(ref, { type: 'add' });
    expect(await Promise.all([first, call(ref, { type: 'get' })])).toEqual([1, 2]);
  });

  it('to a dead process reject at once with noproc', async () => {
    const ref = await startProbe();
    exit(ref, 'kill');
    await expect(call(ref, { type: 'get' })).rejects.toMatchObject({ code: 'PITWALL_CALL_NOPROC', reason: 'noproc' });
  });

  it('to a process that dies before it answers reject at once with its exit reason, not after the timeout', async () => {
    const clock = createTestClock();
    const ref = await startProbe(testSystem({ clock }));
    const waiting = call(ref, { type: 'wait' });
    exit(ref, 'gone');
    await expect(waiting).rejects.toMatchObject({ code: 'PITWALL_CALL_EXIT', reason: 'gone' });
  });

  it('time out; the late reply is dropped', async () => {
    const clock = createTestClock();
    const system = testSystem({ clock });
    const froms: From<number>[] = [];
    const late: GenServer<undefined, undefined, Get> = {
      init: () => next.ok(undefined),
      handleCall(_message, from, state) {
        froms.push(from);
        return next.noreply(state);
      },
    };
    const ref = started(await startGenServer(system, late, undefined));
    const asked = call(ref, { type: 'get' }, { timeoutMs: 100 });
    await turns();
    clock.advance(99);
    expect(froms.map(({ settled }) => settled)).toEqual([false]);
    clock.advance(1);
    await expect(asked).rejects.toMatchObject({ code: 'PITWALL_CALL_TIMEOUT' });
    for (const from of froms) reply(from, 1);
    expect(ref.alive).toBe(true);
  });

  it('can be aborted, before and after they were sent', async () => {
    const ref = await startProbe();
    const controller = new AbortController();
    const asked = call(ref, { type: 'wait' }, { signal: controller.signal });
    controller.abort();
    await expect(asked).rejects.toMatchObject({ code: 'PITWALL_CALL_ABORTED' });
    await expect(call(ref, { type: 'get' }, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      reason: 'aborted',
    });
  });

  it('of a process to itself fail instead of waiting for ever', async () => {
    const ref = await startProbe();
    const failed = new Promise((done) => {
      cast(ref, { type: 'run', run: (self) => self.call(self.ref, { type: 'get' }).then(done, done) });
    });
    expect(await failed).toMatchObject({ code: 'PITWALL_CALL_SELF' });
  });

  it('to several servers: one outcome each', async () => {
    const system = testSystem();
    const [one, other] = [await startProbe(system), await startProbe(system)];
    exit(other, 'kill');
    expect(await multiCall([one, other], { type: 'get' })).toMatchObject([
      { status: 'fulfilled', value: 0 },
      { status: 'rejected', reason: { reason: 'noproc' } },
    ]);
  });

  it.each([Number.NaN, -1])('with a timeout of %s are refused', async (timeoutMs) => {
    const ref = await startProbe();
    await expect(call(ref, { type: 'get' }, { timeoutMs })).rejects.toMatchObject({ code: 'PITWALL_INVALID_ARGUMENT' });
  });

  it('to what is no server reject; casts throw', async () => {
    const nonsense: Probe = JSON.parse('{"name":"x"}');
    await expect(call(nonsense, { type: 'get' })).rejects.toMatchObject({ code: 'PITWALL_INVALID_ARGUMENT' });
    expect(() => cast(nonsense, { type: 'add' })).toThrow(
      expect.objectContaining({ code: 'PITWALL_INVALID_ARGUMENT' }),
    );
  });
});

describe('handlers', () => {
  it('that are async hold back later messages, not other processes', async () => {
    const system = testSystem();
    const [slow, other] = [await startProbe(system), await startProbe(system)];
    let release: () => void = () => undefined;
    const released = new Promise<void>((done) => {
      release = done;
    });
    cast(slow, { type: 'run', run: () => released });
    const waiting = call(slow, { type: 'get' });
    expect(await call(other, { type: 'get' })).toBe(0);
    expect(slow.status).toBe('running');
    release();
    expect(await waiting).toBe(0);
  });

  it('of a killed process run no further than their next await on self', async () => {
    const system = testSystem();
    const ref = await startProbe(system);
    const target = await startProbe(system);
    let settled = false;
    cast(ref, {
      type: 'run',
      run: async (self) => {
        await self.call(target, { type: 'wait' }).finally(() => {
          settled = true;
        });
      },
    });
    await turns(1);
    exit(ref, 'kill');
    expect(await call(target, { type: 'get' })).toBe(0);
    await turns();
    expect(settled).toBe(false);
  });

  it.each([
    ['throw an Error', new Error('boom')],
    ['throw a string', 'boom'],
    ['throw undefined', undefined],
  ])('may %s: that is the exit reason', async (_what, thrown) => {
    const system = testSystem();
    const ref = await startProbe(system);
    cast(ref, {
      type: 'run',
      run: () => {
        throw thrown;
      },
    });
    expect(await whenDown(ref)).toBe(thrown);
  });

  it('may reject: the same', async () => {
    const ref = await startProbe();
    cast(ref, { type: 'run', run: () => Promise.reject(new Exit({ shutdown: 'done' })) });
    expect(await whenDown(ref)).toEqual({ shutdown: 'done' });
  });

  it('that return nothing sensible end the process with bad_return_value', async () => {
    const nonsense: GenServer<undefined, undefined, never, { type: 'x' }> = {
      init: () => next.ok(undefined),
      handleCast: () => JSON.parse('{"type":"nonsense"}'),
    };
    const ref = started(await startGenServer(testSystem(), nonsense, undefined));
    cast(ref, { type: 'x' });
    expect(await whenDown(ref)).toMatchObject({ type: 'bad_return_value' });
  });

  it('that are missing: calls and casts end the process, other messages are ignored', async () => {
    const system = testSystem();
    const empty: GenServer<undefined, undefined, Get, { type: 'x' }, { type: 'y' }> = {
      init: () => next.ok(undefined),
    };
    const start = async () => started(await startGenServer(system, empty, undefined));
    const [one, other, third] = [await start(), await start(), await start()];
    await expect(call(one, { type: 'get' })).rejects.toMatchObject({ reason: { type: 'bad_call' } });
    cast(other, { type: 'x' });
    expect(await whenDown(other)).toMatchObject({ type: 'bad_cast' });
    send(third, { type: 'y' });
    await turns();
    expect(third.alive).toBe(true);
  });

  it('may continue without end, in turn with nobody, without a deep stack', async () => {
    const counter: GenServer<number, number, Get, never, never, number> = {
      init: (steps) => next.ok(0, next.continue(steps)),
      handleContinue: (left, done) =>
        left === 0 ? next.noreply(done) : next.noreply(done + 1, next.continue(left - 1)),
      handleCall: (_message, _from, done) => next.reply(done, done),
    };
    const ref = started(await startGenServer(testSystem(), counter, 100_000));
    expect(await call(ref, { type: 'get' })).toBe(100_000);
  });
});

describe('init', () => {
  it('may be async, and is given up when its time is up', async () => {
    const clock = createTestClock();
    const system = testSystem({ clock });
    const endless: GenServer<undefined, undefined> = { init: () => new Promise(() => undefined) };
    const starting = startGenServer(system, endless, undefined, { initTimeoutMs: 50, register: 'endless' });
    expect(whereis(system, 'endless')?.status).toBe('starting');
    clock.advance(50);
    expect(await starting).toEqual({ type: 'error', reason: 'timeout' });
    expect(whereis(system, 'endless')).toBeUndefined();
  });

  it('that throws leaves no zombie: no process, no name, no nact actor', async () => {
    const system = testSystem();
    const failing: GenServer<undefined, undefined> = {
      init: () => {
        throw new Error('no');
      },
    };
    const before = system.processes.size;
    const result = await startGenServer(system, failing, undefined, { register: 'failing' });
    expect(result).toMatchObject({ type: 'error', reason: expect.any(Error) });
    expect(system.processes.size).toBe(before);
    expect(whereis(system, 'failing')).toBeUndefined();
    expect(() => started(result)).toThrow(expect.objectContaining({ code: 'PITWALL_START_FAILED' }));
  });

  it('in a system that was stopped is not tried', async () => {
    const system = testSystem();
    system.close();
    expect(await startGenServer(system, probe, {})).toEqual({ type: 'error', reason: 'noproc' });
  });
});

describe('names', () => {
  it('are looked up at each use, and are free when the process is dead', async () => {
    const system = testSystem();
    const counter = named<Get>(system, 'counter');
    await expect(call(counter, { type: 'get' })).rejects.toMatchObject({ reason: 'noproc' });
    const first = started(await startGenServer(system, probe, {}, { register: 'counter' }));
    expect(await call(counter, { type: 'get' })).toBe(0);
    expect(await startGenServer(system, probe, {}, { register: 'counter' })).toMatchObject({
      type: 'error',
      reason: { type: 'already_started', ref: first },
    });
    exit(first, 'kill');
    started(await startGenServer(system, probe, {}, { register: 'counter' }));
    expect(await call(counter, { type: 'get' })).toBe(0);
    expect(deadLetters(system).noproc).toBe(1);
  });

  it('such as __proto__ are names like any other', async () => {
    const system = testSystem();
    const ref = started(await startGenServer(system, probe, {}, { register: '__proto__' }));
    expect(whereis(system, '__proto__')).toBe(ref);
    expect(whereis(system, 'constructor')).toBeUndefined();
  });
});

describe('terminate', () => {
  it('runs once, though everything ends the process at the same time', async () => {
    const reasons = new Collected<unknown>();
    const system = testSystem();
    const ref = await startProbe(system, { trapExit: true, onTerminate: reasons.add });
    cast(ref, { type: 'stop', reason: 'first' });
    cast(ref, { type: 'stop', reason: 'second' });
    const stopped = stop(ref, 'third');
    exit(ref, 'fourth');
    await expect(stopped).rejects.toMatchObject({ reason: 'first' });
    expect(reasons.all).toEqual(['first']);
  });

  it('that never ends is cut short by kill', async () => {
    const ref = await startProbe(testSystem(), { onTerminate: () => new Promise<void>(() => undefined) });
    cast(ref, { type: 'stop', reason: 'normal' });
    await turns();
    expect(ref.alive).toBe(true);
    exit(ref, 'kill');
    expect(ref.exitReason).toBe('killed');
  });
});

describe('a context carrier', () => {
  it('brings what was ambient at the sender to the handler of calls, casts and messages', async () => {
    let ambient: string | undefined;
    const seen: (string | undefined)[] = [];
    const system = testSystem({
      contextCarrier: {
        capture: () => ambient,
        run(captured, handler) {
          const before = ambient;
          ambient = String(captured);
          try {
            return handler();
          } finally {
            ambient = before;
          }
        },
      },
    });
    interface Look extends Call<string | undefined> {
      readonly type: 'look';
    }
    const server: GenServer<undefined, undefined, Look, { type: 'look' }, { type: 'look' }> = {
      init: () => next.ok(undefined),
      handleCall: (_message, _from, state) => next.reply(ambient, state),
      handleCast(_message, state) {
        seen.push(ambient);
        return next.noreply(state);
      },
      handleInfo(_message, state) {
        seen.push(ambient);
        return next.noreply(state);
      },
    };
    const ref = started(await startGenServer(system, server, undefined));
    ambient = 'span';
    const asked = call(ref, { type: 'look' });
    cast(ref, { type: 'look' });
    send(ref, { type: 'look' });
    ambient = undefined;
    cast(ref, { type: 'look' });
    expect(await asked).toBe('span');
    await turns();
    expect(seen).toEqual(['span', 'span', undefined]);
  });
});
