import type { Envelope } from './envelope.ts';
import type { ProcessRef } from './message.ts';

/** What a process does about its messages: the behaviour that runs in it. */
export interface Engine {
  /** Handles one message. Never throws. Sets `process.busy` while it waits for something. */
  handle(envelope: Envelope): void;
  /** The same for a cast without an envelope. */
  cast(message: unknown): void;
  /** What was put off until the process runs: a continuation of `init`. */
  resume(): void;
  readonly hasContinuation: boolean;
}

/** One child, as its supervisor sees it. */
export interface ChildView {
  readonly id: string;
  readonly type: 'worker' | 'supervisor';
  readonly process: ProcessRef | 'restarting' | undefined;
  readonly restarts: number;
}
