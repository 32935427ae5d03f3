import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  call,
  cast,
  deadLetters,
  exit,
  type MailboxLimit,
  resume,
  started,
  startGenServer,
  suspend,
} from '../../src/otp/index.ts';
import { Mailbox } from '../../src/otp/mailbox.ts';
import { probe } from './probe.ts';
import { Collected, testSystem } from './support.ts';

describe('the queue', () => {
  it('does what a plain array does, through any sequence of operations', () => {
    const operation = fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 1, max: 3000 }).map((n) => ({ what: 'push', n }) as const) },
      { weight: 5, arbitrary: fc.integer({ min: 1, max: 3000 }).map((n) => ({ what: 'shift', n }) as const) },
      { weight: 2, arbitrary: fc.integer({ min: 2, max: 9 }).map((n) => ({ what: 'take', n }) as const) },
      { weight: 1, arbitrary: fc.constant({ what: 'clear', n: 0 } as const) },
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 30 }), (operations) => {
        const mailbox = new Mailbox<number>();
        let model: number[] = [];
        let serial = 0;
        for (const { what, n } of operations) {
          if (what === 'clear') {
            mailbox.clear();
            model = [];
          } else if (what === 'take') {
            const index = model.findIndex((item) => item % n === 0);
            expect(mailbox.take((item) => item % n === 0)).toBe(index < 0 ? undefined : model.splice(index, 1)[0]);
          } else {
            const taken: (number | undefined)[] = [];
            for (let i = 0; i < n; i += 1) {
              if (what === 'shift') taken.push(mailbox.shift());
              else {
                serial += 1;
                mailbox.push(serial);
                model.push(serial);
              }
            }
            if (what === 'shift') expect(taken.filter((item) => item !== undefined)).toEqual(model.splice(0, n));
          }
          expect(mailbox.length).toBe(model.length);
          expect([...mailbox]).toEqual(model);
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('a bounded mailbox', () => {
  const full = async (whenFull: MailboxLimit['whenFull']) => {
    const letters = new Collected<{ why: string; kind: string }>();
    const system = testSystem({ onDeadLetter: ({ why, kind }) => letters.add({ why, kind }) });
    const ref = started(await startGenServer(system, probe, {}, { mailbox: { limit: 2, whenFull } }));
    await suspend(ref);
    const waiting = call(ref, { type: 'get' });
    cast(ref, { type: 'add' });
    return { system, ref, waiting, letters };
  };

  it('reject: refuses, says so, counts, throws nothing', async () => {
    const { system, ref, waiting } = await full('reject');
    expect(cast(ref, { type: 'add' })).toBe(false);
    await expect(call(ref, { type: 'get' })).rejects.toMatchObject({ code: 'PITWALL_CALL_MAILBOX_FULL' });
    expect([ref.dropped, deadLetters(system).dropped, ref.mailboxLength]).toEqual([2, 2, 2]);
    await resume(ref); // what the system asks is never refused
    expect(await waiting).toBe(0);
    expect(await call(ref, { type: 'get' })).toBe(1);
  });

  it('drop_newest: drops what comes, and its sender is not told', async () => {
    const { ref, waiting } = await full('drop_newest');
    expect(cast(ref, { type: 'add' })).toBe(true);
    await resume(ref);
    expect(await waiting).toBe(0);
    expect([await call(ref, { type: 'get' }), ref.dropped]).toEqual([1, 1]);
  });

  it('drop_oldest: makes room; a call that is dropped fails', async () => {
    const { ref, waiting, letters } = await full('drop_oldest');
    expect(cast(ref, { type: 'add' })).toBe(true);
    await expect(waiting).rejects.toMatchObject({ reason: 'mailbox_full' });
    await resume(ref);
    expect(await call(ref, { type: 'get' })).toBe(2);
    expect(letters.all).toEqual([{ why: 'dropped', kind: 'call' }]);
  });
});

describe('undelivered messages', () => {
  it('are counted and shown: to the dead, and left unread at a death', async () => {
    const letters = new Collected<unknown>();
    const system = testSystem({ onDeadLetter: letters.add });
    const ref = started(await startGenServer(system, probe, {}, { name: 'victim' }));
    await suspend(ref);
    for (let i = 0; i < 100; i += 1) cast(ref, { type: 'add' });
    exit(ref, 'kill');
    cast(ref, { type: 'add' });
    expect(deadLetters(system)).toEqual({ noproc: 1, unread: 100, dropped: 0 });
    expect(letters.all.at(-1)).toEqual({ why: 'noproc', kind: 'cast', message: { type: 'add' }, to: 'victim' });
  });

  it('do not fail a sender whose observer throws', async () => {
    const system = testSystem({
      onDeadLetter: () => {
        throw new Error('a fault of the observer');
      },
    });
    const ref = started(await startGenServer(system, probe, {}));
    exit(ref, 'kill');
    expect(cast(ref, { type: 'add' })).toBe(false);
  });
});
