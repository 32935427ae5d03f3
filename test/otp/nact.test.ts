import { dispatch, query } from 'nact';
import { describe, expect, it } from 'vitest';
import {
  call,
  cast,
  deadLetters,
  exit,
  inspect,
  type NactRef,
  started,
  startGenServer,
  startSupervisor,
  supervisorSpec,
  whereis,
  workerSpec,
} from '../../src/otp/index.ts';
import { probe } from './probe.ts';
import { testSystem, turns } from './support.ts';

/** Where an actor stands in nact's hierarchy. */
function path(ref: NactRef): string[] {
  if ('path' in ref && typeof ref.path === 'object' && ref.path !== null && 'parts' in ref.path) {
    if (Array.isArray(ref.path.parts)) return ref.path.parts.map(String);
  }
  return [];
}

describe('nact', () => {
  it('has every process as an actor, below the actor of its supervisor', async () => {
    const system = testSystem({ name: 'app' });
    const tree = [supervisorSpec('storage', {}, [workerSpec('store', probe, {}, { register: 'store' })])];
    const root = started(await startSupervisor(system, {}, tree, { name: 'root' }));
    const store = whereis(system, 'store');
    expect(path(root.nact)).toEqual(['app', 'root']);
    expect(store && path(store.nact)).toEqual(['app', 'root', 'storage', 'store']);
    expect(inspect(root).children[0]?.children[0]?.id).toBe('store');
  });

  it('dispatch is a cast, query a call', async () => {
    const ref = started(await startGenServer(testSystem(), probe, {}));
    dispatch(ref.nact, { type: 'add' });
    expect(await query(ref.nact, () => ({ type: 'get' }), 1000)).toBe(1);
    expect(await call(ref, { type: 'get' })).toBe(1);
  });

  it('never sees an exception of ours: a query that crashes its server runs into its own timeout', async () => {
    const ref = started(await startGenServer(testSystem(), probe, {}));
    await expect(query(ref.nact, () => ({ type: 'crash', reason: 'boom' }), 50)).rejects.toThrow('Query Timeout');
    expect(ref.exitReason).toBe('boom');
  });

  it('messages that are no messages are dropped and counted; to a dead actor they are lost, without harm', async () => {
    const system = testSystem();
    const ref = started(await startGenServer(system, probe, {}));
    for (const nonsense of [undefined, 1, 'text', {}, { type: 1 }]) dispatch(ref.nact, nonsense);
    await turns(20);
    expect(deadLetters(system).dropped).toBe(5);
    exit(ref, 'kill');
    expect(() => dispatch(ref.nact, { type: 'add' })).not.toThrow();
  });

  it('an actor under load never stops receiving: a million messages by cast, a hundred thousand by dispatch, all accounted for', {
    timeout: 120_000,
  }, async () => {
    const ref = started(await startGenServer(testSystem(), probe, {}));
    for (let sent = 0; sent < 1_000_000; sent += 1) {
      cast(ref, { type: 'add' });
      if (sent % 10 === 0) dispatch(ref.nact, { type: 'add' });
      if (sent % 50_000 === 0) await turns(1);
    }
    let count = 0;
    while (count < 1_100_000) {
      count = await call(ref, { type: 'get' }, { timeoutMs: 60_000 });
      await turns(1);
    }
    expect(count).toBe(1_100_000);
  });
});
