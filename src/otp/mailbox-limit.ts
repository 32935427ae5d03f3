import { type Item, isSealed } from './envelope.ts';

/** A limit for what waits in a mailbox, and what happens to a message that comes when it is full. */
export interface MailboxLimit {
  readonly limit: number;
  /**
   * `reject`: it is refused, and `cast` and `send` say false. `drop_newest`: it is dropped, and its sender is not told. `drop_oldest`: the
   * oldest one is dropped to make room. A call that is refused or dropped fails with `mailbox_full`. All are counted; nothing is thrown.
   */
  readonly whenFull: 'reject' | 'drop_oldest' | 'drop_newest';
}

/** Counts against a limit: what others send, not what the system says. */
export function isBounded(item: Item): boolean {
  return !isSealed(item) || item.kind === 'call' || item.kind === 'cast' || item.kind === 'info';
}
