import { describe, expect, it } from 'vitest';
import {
  cast,
  demonitor,
  type ExitReason,
  exit,
  link,
  monitor,
  named,
  type SystemMessage,
  started,
  startGenServer,
  unlink,
  whenDown,
} from '../../src/otp/index.ts';
import { type Note, type Probe, type ProbeSelf, probe } from './probe.ts';
import { Collected, testSystem, turns } from './support.ts';

describe('links', () => {
  const pair = async (trapExit = false) => {
    const system = testSystem();
    const seen = new Collected<Note | SystemMessage>();
    const a = started(await startGenServer(system, probe, {}));
    const b = started(await startGenServer(system, probe, { trapExit, onInfo: seen.add }));
    return { system, a, b, seen };
  };

  it('carry an abnormal end, both ways; once linked, linking again changes nothing', async () => {
    const { a, b } = await pair();
    link(a, b);
    link(b, a);
    exit(a, 'boom');
    expect([a.exitReason, b.exitReason]).toEqual(['boom', 'boom']);
  });

  it('that were undone carry nothing', async () => {
    const { a, b } = await pair();
    link(a, b);
    unlink(b, a);
    exit(a, 'boom');
    expect(b.alive).toBe(true);
  });

  it('are messages to one that traps exits', async () => {
    const { a, b, seen } = await pair(true);
    link(a, b);
    exit(a, 'kill');
    expect(await seen.count(1)).toEqual([{ type: 'EXIT', from: a, reason: 'killed' }]);
  });

  it('in a chain of 30 000 end all, without a deep stack', { timeout: 120_000 }, async () => {
    const system = testSystem();
    const chain: Probe[] = [];
    for (let i = 0; i < 30_000; i += 1) {
      const next = started(await startGenServer(system, probe, {}, { link: false }));
      const last = chain.at(-1);
      if (last !== undefined) link(last, next);
      chain.push(next);
    }
    const [first] = chain;
    if (first !== undefined) exit(first, 'boom');
    expect(chain.filter((ref) => ref.alive || ref.exitReason !== 'boom')).toEqual([]);
  });
});

describe('monitors', () => {
  const watched = async () => {
    const system = testSystem();
    return { system, ref: started(await startGenServer(system, probe, {}, { register: 'x' })) };
  };

  it('tell the reason once, in the order in which they were set, and links later', async () => {
    const { system, ref } = await watched();
    const order: string[] = [];
    started(
      await startGenServer(system, probe, {
        onStart: (own) => cast(own, { type: 'run', run: (self: ProbeSelf) => self.link(ref) }),
        trapExit: true,
        onInfo: () => order.push('linked'),
      }),
    );
    monitor(ref, (reason) => order.push(`first ${String(reason)}`));
    monitor(ref, (reason) => order.push(`second ${String(reason)}`));
    await turns();
    exit(ref, 'boom');
    await turns();
    expect(order).toEqual(['first boom', 'second boom', 'linked']);
  });

  it('of what is dead already, or of a name that nobody has, tell noproc', async () => {
    const { system, ref } = await watched();
    exit(ref, 'kill');
    const reasons = new Collected<[ExitReason, unknown]>();
    monitor(ref, (reason, process) => reasons.add([reason, process]));
    monitor(named(system, 'x'), (reason, process) => reasons.add([reason, process]));
    expect(await reasons.count(2)).toEqual([
      ['noproc', ref],
      ['noproc', 'x'],
    ]);
  });

  it('that were ended, or whose callback throws, disturb nobody', async () => {
    const { ref } = await watched();
    const reasons: ExitReason[] = [];
    const ended = monitor(ref, () => reasons.push('ended'));
    monitor(ref, () => {
      throw new Error('a fault of the watcher');
    });
    monitor(ref, (reason) => reasons.push(reason));
    demonitor(ended);
    exit(ref, 'boom');
    expect(reasons).toEqual(['boom']);
    expect(await whenDown(ref)).toBe('boom');
  });

  it('end with their owner', async () => {
    const { system, ref } = await watched();
    const owner = started(await startGenServer(system, probe, {}));
    const watch = new Promise<{ readonly active: boolean }>((done) => {
      cast(owner, { type: 'run', run: (self) => done(self.monitor(ref)) });
    });
    expect((await watch).active).toBe(true);
    exit(owner, 'kill');
    expect((await watch).active).toBe(false);
  });
});

describe('timers of a process', () => {
  it('die with it', async () => {
    const system = testSystem();
    const notes = new Collected<unknown>();
    const ref = started(await startGenServer(system, probe, { onInfo: notes.add }));
    cast(ref, { type: 'run', run: (self) => void self.sendAfter({ type: 'note', text: 'too late' }, 0) });
    await turns(1);
    exit(ref, 'kill');
    await new Promise((done) => setTimeout(done, 5));
    expect(notes.all.length).toBeLessThanOrEqual(1);
    expect(ref.mailboxLength).toBe(0);
  });
});

describe('news', () => {
  it('of what a handler itself caused comes when it is done; what it undoes before, it never hears', async () => {
    const system = testSystem();
    const seen = new Collected<Note | SystemMessage>();
    const start = async (args = {}) => started(await startGenServer(system, probe, args));
    const [own, linked, undone, watched, unwatched] = [
      await start({ onInfo: seen.add }),
      await start(),
      await start(),
      await start(),
      await start(),
    ];
    const finished = new Promise<boolean>((done) => {
      cast(own, {
        type: 'run',
        run: (self) => {
          self.link(undone);
          self.exit(undone, 'kill');
          self.unlink(undone);
          const watch = self.monitor(unwatched);
          self.exit(unwatched, 'kill');
          self.demonitor(watch);
          self.monitor(watched);
          self.exit(watched, 'kill');
          self.link(linked);
          self.exit(linked, 'boom');
          done(self.ref.alive);
        },
      });
    });
    expect(await finished).toBe(true);
    await turns();
    expect([own.exitReason, seen.all]).toEqual(['boom', []]);
    expect([linked, undone, watched, unwatched].map(({ alive }) => alive)).toEqual([false, false, false, false]);
  });
});
