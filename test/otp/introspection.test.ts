import { inspect as utilInspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  call,
  cast,
  createTestClock,
  dynamicSupervisorSpec,
  exit,
  formatTree,
  getState,
  getStatus,
  inspect,
  mermaidTree,
  named,
  next,
  replaceState,
  resume,
  type SupervisorReport,
  started,
  startGenServer,
  startSupervisor,
  stop,
  supervisorSpec,
  suspend,
  type TraceEvent,
  trace,
  whereis,
  workerSpec,
} from '../../src/otp/index.ts';
import { type CrashCast, type Get, probe } from './probe.ts';
import { Collected, testSystem, turns } from './support.ts';

describe('sys', () => {
  it('shows and replaces a state, and tells a status', async () => {
    const system = testSystem();
    const ref = started(await startGenServer(system, probe, {}, { register: 'p' }));
    expect(await getState(ref)).toMatchObject({ count: 0 });
    await replaceState(named(system, 'p'), (state) => ({ ...Object(state), count: 41 }));
    cast(ref, { type: 'add' });
    expect(await getStatus(ref)).toMatchObject({
      name: 'p',
      registered: 'p',
      status: 'running',
      trapExit: false,
      parent: 'test',
      links: ['test'],
      state: { count: 42 },
    });
  });

  it('replacing with what throws changes nothing and fails the one who asked', async () => {
    const ref = started(await startGenServer(testSystem(), probe, {}));
    const fault = new Error('a fault of the operator');
    await expect(
      replaceState(ref, () => {
        throw fault;
      }),
    ).rejects.toMatchObject({ reason: fault });
    expect(await call(ref, { type: 'get' })).toBe(0);
  });

  it('suspends: messages wait, questions of sys are answered, the parent can still end it', async () => {
    const system = testSystem();
    const ref = started(await startGenServer(system, probe, {}));
    cast(ref, { type: 'add' });
    await suspend(ref);
    const waiting = call(ref, { type: 'get' });
    cast(ref, { type: 'add' });
    expect([ref.status, await getStatus(ref)]).toMatchObject(['suspended', { mailboxLength: 2, status: 'suspended' }]);
    await resume(ref);
    expect(await waiting).toBe(1);
    await suspend(ref);
    ref.alive && exit(ref, 'shutdown');
    expect(ref.alive).toBe(false);
  });

  it('of the dead fails as a call does', async () => {
    const system = testSystem();
    const ref = started(await startGenServer(system, probe, {}));
    exit(ref, 'kill');
    await expect(getState(ref)).rejects.toMatchObject({ code: 'PITWALL_CALL_NOPROC' });
    await expect(stop(named(system, 'nobody'))).rejects.toMatchObject({ code: 'PITWALL_CALL_NOPROC' });
  });

  it('traces messages as they are handled', async () => {
    const clock = createTestClock(5);
    const ref = started(await startGenServer(testSystem({ clock }), probe, {}));
    const seen = new Collected<TraceEvent>();
    const end = trace(ref, seen.add);
    cast(ref, { type: 'add' });
    await call(ref, { type: 'get' });
    end();
    await call(ref, { type: 'get' });
    expect(seen.all).toEqual([
      { process: ref, kind: 'cast', message: { type: 'add' }, waiting: 1, atMs: 5 },
      { process: ref, kind: 'call', message: { type: 'get' }, waiting: 0, atMs: 5 },
    ]);
  });
});

describe('the tree', () => {
  const start = async () => {
    const reports = new Collected<SupervisorReport>();
    const system = testSystem({ clock: createTestClock(1000), onReport: reports.add });
    const template = {
      id: 'pool',
      start: (parent: Parameters<typeof startGenServer>[0]) => startGenServer(parent, probe, {}),
    };
    const root = started(
      await startSupervisor(
        system,
        { strategy: 'rest_for_one', intensity: 3 },
        [
          workerSpec('store', probe, {}, { register: 'store' }),
          supervisorSpec('inner', {}, [workerSpec('leaf', probe, {})]),
          dynamicSupervisorSpec('pools', {}, template, { register: 'pools' }),
          workerSpec('ignoring', { init: () => next.ignore() }, undefined),
        ],
        { name: 'app' },
      ),
    );
    return { system, root, reports };
  };

  it('is inspected at once, without a message, and drawn as text and as Mermaid', async () => {
    const { system, root } = await start();
    cast(named<never, CrashCast>(system, 'store'), { type: 'crash', reason: 'boom' });
    await expect(call(named<Get>(system, 'store'), { type: 'get' })).rejects.toThrow('boom');
    await turns(10);
    expect(formatTree(inspect(root))).toBe(
      [
        'app           supervisor  waiting',
        '├── store     worker      waiting     restarts 1',
        '├── inner     supervisor  waiting',
        '│   └── leaf  worker      waiting',
        '├── pools     supervisor  waiting',
        '└── ignoring  worker      stopped',
      ].join('\n'),
    );
    expect(mermaidTree(inspect(root)).split('\n')).toEqual([
      'flowchart TD',
      '  p1["app<br/>waiting"]',
      '  p2("store<br/>waiting, restarts 1")',
      '  p1 --> p2',
      '  p3["inner<br/>waiting"]',
      '  p4("leaf<br/>waiting")',
      '  p3 --> p4',
      '  p1 --> p3',
      '  p5["pools<br/>waiting"]',
      '  p1 --> p5',
      '  p6("ignoring<br/>stopped")',
      '  p1 --> p6',
    ]);
  });

  it('reports starts, crashes and shutdowns as events of one shape', async () => {
    const { system, root, reports } = await start();
    const before = whereis(system, 'store');
    expect(reports.all.map(({ kind, offender }) => `${kind} ${offender.id}`)).toEqual([
      'start store',
      'start leaf',
      'start inner',
      'start pools',
    ]);
    if (before !== undefined) exit(before, 'boom');
    const crash = await reports.until(({ kind }) => kind === 'crash');
    expect(crash).toEqual({
      kind: 'crash',
      supervisor: root,
      context: 'child_terminated',
      reason: 'boom',
      offender: { id: 'store', ref: before, restart: 'permanent', shutdown: 5000, type: 'worker', significant: false },
      restarts: 0,
      atMs: 1000,
    });
    const again = await reports.until(({ offender }) => offender.id === 'store', reports.all.indexOf(crash) + 1);
    expect(again).toMatchObject({ kind: 'start', context: 'started', reason: undefined, restarts: 1 });
    for (let i = 0; i < 3; i += 1) {
      await turns(5);
      const store = whereis(system, 'store');
      if (store !== undefined) exit(store, 'boom');
    }
    const last = await reports.until(({ context }) => context === 'shutdown');
    expect(last).toMatchObject({ kind: 'shutdown', reason: 'reached_max_restart_intensity', restarts: 4 });
  });

  it('a ref is short where it is logged or written as JSON', async () => {
    const { root } = await start();
    expect(utilInspect({ root })).toMatch(/^\{ root: <app #\d+ \w+> \}$/);
    expect(JSON.stringify(root)).toBe(`{"process":${root.id},"name":"app"}`);
  });
});
