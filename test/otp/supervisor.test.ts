import { describe, expect, it } from 'vitest';
import {
  cast,
  changeSupervisor,
  countChildren,
  createTestClock,
  deleteChild,
  exit,
  getChildSpec,
  inspect,
  type ProcessRef,
  restartChild,
  startChild,
  startDynamicSupervisor,
  started,
  startGenServer,
  startInstance,
  startSupervisor,
  startSupervisorFrom,
  stopSystem,
  terminateChild,
  whenDown,
  whereis,
  whichChildren,
  workerSpec,
} from '../../src/otp/index.ts';
import { type Probe, probe } from './probe.ts';
import { Collected, name, testSystem, turns } from './support.ts';

// Semantics are proved by the traces of Erlang/OTP; this is what the functions look like to a host.

const STRATEGIES = ['one_for_one', 'one_for_all', 'rest_for_one'] as const;
const ENDS = ['normal', 'shutdown', { shutdown: 'done' }, 'boom', 'kill'] as const;
const RESTARTS = ['permanent', 'transient', 'temporary'] as const;

describe('restart type x kind of exit', () => {
  const grid = RESTARTS.flatMap((restart) => ENDS.map((end) => [restart, end] as const));

  it.each(grid)('a %s child that ends with %j', async (restart, end) => {
    const system = testSystem();
    const starts = new Collected<Probe>();
    const child = workerSpec('a', probe, { onStart: starts.add }, { restart });
    const root = started(await startSupervisor(system, { intensity: 10 }, [child]));
    const [ref] = starts.all;
    if (ref === undefined) throw new Error('it did not start');
    // From itself: an exit signal normal of a stranger does nothing.
    if (end === 'kill') exit(ref, end);
    else cast(ref, { type: 'stop', reason: end });
    await whenDown(ref);
    await turns();
    const orderly = end !== 'boom' && end !== 'kill';
    const again = restart === 'permanent' || (restart === 'transient' && !orderly);
    expect(starts.all).toHaveLength(again ? 2 : 1);
    expect((await countChildren(root)).specs).toBe(restart === 'temporary' ? 0 : 1);
  });
});

describe.each(STRATEGIES)('%s', (strategy) => {
  it('restarts whom it must, in start order, after stopping in reverse', async () => {
    const system = testSystem();
    const log: string[] = [];
    const children = ['a', 'b', 'c', 'd'].map((id) =>
      workerSpec(
        id,
        probe,
        {
          trapExit: true,
          onStart: () => log.push(`+${id}`),
          onTerminate: () => void log.push(`-${id}`),
        },
        { register: id },
      ),
    );
    const root = started(await startSupervisor(system, { strategy, intensity: 1 }, children));
    log.length = 0;
    const b = whereis(system, 'b');
    if (b !== undefined) exit(b, 'kill');
    await turns(10);
    expect(log).toEqual(
      {
        one_for_one: ['+b'],
        one_for_all: ['-d', '-c', '-a', '+a', '+b', '+c', '+d'],
        rest_for_one: ['-d', '-c', '+b', '+c', '+d'],
      }[strategy],
    );
    expect((await whichChildren(root)).map(({ id }) => id)).toEqual(['d', 'c', 'b', 'a']);
  });
});

describe('operations', () => {
  it('start, terminate, restart, delete: a terminated child keeps its spec', async () => {
    const system = testSystem();
    const root = started(await startSupervisor(system, {}, []));
    const spec = workerSpec('a', probe, {});
    expect(await startChild(root, spec)).toMatchObject({ type: 'ok' });
    expect(await startChild(root, spec)).toMatchObject({ reason: { type: 'already_started' } });
    expect(await deleteChild(root, 'a')).toEqual({ type: 'error', reason: 'running' });
    expect(await terminateChild(root, 'a')).toEqual({ type: 'ok' });
    expect(await startChild(root, spec)).toEqual({ type: 'error', reason: 'already_present' });
    expect(await getChildSpec(root, 'a')).toMatchObject({ type: 'ok', spec: { id: 'a', shutdown: 5000 } });
    expect(await restartChild(root, 'a')).toMatchObject({ type: 'ok' });
    expect(await terminateChild(root, 'a')).toEqual({ type: 'ok' });
    expect(await deleteChild(root, 'a')).toEqual({ type: 'ok' });
    expect(await restartChild(root, 'a')).toEqual({ type: 'error', reason: 'not_found' });
  });

  it('a change of flags and specs holds from now on, or not at all', async () => {
    const system = testSystem();
    const [a, b] = [workerSpec('a', probe, {}), workerSpec('b', probe, {})];
    const root = started(await startSupervisor(system, { intensity: 0 }, [a]));
    expect(await changeSupervisor(root, { intensity: -1 }, [])).toMatchObject({
      reason: { type: 'invalid_intensity' },
    });
    expect(await changeSupervisor(root, { intensity: 5 }, [b, a])).toEqual({ type: 'ok' });
    expect((await whichChildren(root)).map(({ id, child }) => [id, child === undefined])).toEqual([
      ['a', false],
      ['b', true],
    ]);
  });

  it('a dynamic supervisor starts instances with their arguments and restarts them with the same', async () => {
    const system = testSystem();
    const started_ = new Collected<string>();
    const pools = started(
      await startDynamicSupervisor(
        system,
        { intensity: 5 },
        {
          id: 'pool',
          start(parent, pool: string, size: number) {
            started_.add(`${pool} ${size}`);
            return startGenServer(parent, probe, {}, { register: pool });
          },
        },
      ),
    );
    await startInstance(pools, 'ml', 2);
    await startInstance(pools, 'etl', 1);
    const ml = whereis(system, 'ml');
    if (ml !== undefined) exit(ml, 'boom');
    await turns(5);
    expect(started_.all).toEqual(['ml 2', 'etl 1', 'ml 2']);
    const etl = whereis(system, 'etl');
    if (etl !== undefined) expect(await terminateChild(pools, etl)).toEqual({ type: 'ok' });
    expect(await countChildren(pools)).toEqual({ specs: 1, active: 1, supervisors: 0, workers: 1 });
    expect(await startChild(pools, workerSpec('x', probe, {}))).toMatchObject({ reason: 'simple_one_for_one' });
  });

  it('flags and children may come from a function, anew at each start', async () => {
    const system = testSystem();
    let calls = 0;
    const init = () => {
      calls += 1;
      return { flags: {}, children: [workerSpec(`child-${calls}`, probe, {})] };
    };
    const inner = {
      id: 'inner',
      start: (parent: Parameters<typeof startSupervisorFrom>[0]) => startSupervisorFrom(parent, init),
    };
    const root = started(await startSupervisor(system, {}, [inner]));
    const [entry] = await whichChildren(root);
    if (typeof entry?.child === 'object') exit(entry.child, 'kill');
    await turns(10);
    expect(inspect(root).children[0]?.children.map(({ id }) => id)).toEqual(['child-2']);
  });
});

describe('a supervisor that gives up', () => {
  it('ends with shutdown, tells the system, throws nothing, and its children are stopped in reverse order', async () => {
    const exits = new Collected<[ProcessRef, unknown]>();
    const system = testSystem({ onExit: (ref, reason) => exits.add([ref, reason]) });
    const log: string[] = [];
    const children = ['a', 'b', 'c'].map((id) =>
      workerSpec(id, probe, { trapExit: true, onTerminate: () => void log.push(id) }, { register: id }),
    );
    const root = started(await startSupervisor(system, { intensity: 0 }, children, { name: 'root' }));
    const b = whereis(system, 'b');
    if (b !== undefined) exit(b, 'kill');
    expect(await whenDown(root)).toBe('shutdown');
    expect(log).toEqual(['c', 'a']);
    expect(await exits.count(1)).toEqual([[root, 'shutdown']]);
    expect([...system.processes].map(name)).toEqual(['test']);
  });

  it('comes to exactly `intensity` restarts at the edge of the period, counted in whole seconds as in OTP', async () => {
    const clock = createTestClock(10_000);
    const system = testSystem({ clock });
    const child = workerSpec('a', probe, {}, { register: 'a' });
    const root = started(await startSupervisor(system, { intensity: 2, period: 5 }, [child]));
    const crash = async () => {
      const ref = whereis(system, 'a');
      if (ref !== undefined) exit(ref, 'boom');
      await turns(5);
    };
    await crash();
    await crash();
    clock.advance(5_999); // second 15: those of second 10 count still
    expect(root.alive).toBe(true);
    clock.advance(1); // second 16: they do no more
    await crash();
    await crash();
    expect(root.alive).toBe(true);
    clock.advance(5_000); // second 21
    await crash();
    expect(root.alive).toBe(false);
  });
});

describe('stopping a system', () => {
  it('takes no longer than it is given, though a child never ends', async () => {
    const clock = createTestClock();
    const system = testSystem({ clock });
    const stubborn = { trapExit: true, onTerminate: () => new Promise<void>(() => undefined) };
    const child = workerSpec('a', probe, stubborn, { shutdown: 'infinity' });
    const root = started(await startSupervisor(system, {}, [child]));
    const alone = started(await startGenServer(system, probe, stubborn, { link: false }));
    const stopped = stopSystem(system, { timeoutMs: 500 });
    await turns();
    expect([root.alive, alone.alive]).toEqual([true, true]);
    clock.advance(500);
    await stopped;
    expect([root.exitReason, alone.exitReason, system.processes.size]).toEqual(['killed', 'killed', 0]);
    await stopSystem(system);
  });
});
