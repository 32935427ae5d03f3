import type { ExitReason } from './terms.ts';

/** Every message is a plain object that says in `type` what it is. */
export interface Message {
  readonly type: string;
}

declare const replyType: unique symbol;
declare const fromType: unique symbol;
declare const acceptsType: unique symbol;

/**
 * Marks a message that is answered with an `R`. The mark exists for the compiler alone; the message stays a plain object.
 *
 * @example
 * interface GetThreshold extends Call<number> { readonly type: 'get_threshold'; readonly pool: string }
 * const threshold = await call(manager, { type: 'get_threshold', pool: 'ml' }); // number
 */
export interface Call<R> {
  readonly [replyType]?: R;
}

/** The reply to a call message. */
export type ReplyOf<M> = M extends Call<infer R> ? R : never;

/** The message of the union `C` whose `type` is `T`. */
export type MessageOf<C extends Message, T extends string> = Extract<C, { readonly type: T }>;

/** Whom to answer: given to `handleCall`, used with `reply(from, value)` by a server that answers later. */
export interface From<R> {
  /** The caller has its answer, or gave up. */
  readonly settled: boolean;
  readonly [fromType]?: (reply: R) => void;
}

/** What a process may be doing. */
export type ProcessStatus = 'starting' | 'waiting' | 'running' | 'suspended' | 'dead';

/**
 * A process, as others see it: OTP's pid. It stays valid after the process is dead; a restart makes a new process with a new ref,
 * so keep names, not refs, where restarts must not be noticed.
 */
export interface ProcessRef {
  /** Unique within its system; never used again. */
  readonly id: number;
  /** The registered name, or what it was started as (the child's id). */
  readonly name: string;
  readonly alive: boolean;
  readonly status: ProcessStatus;
  /** Messages that wait. */
  readonly mailboxLength: number;
  /** Messages that its bounded mailbox refused or dropped. */
  readonly dropped: number;
  /** Why it ended; `undefined` while it lives. */
  readonly exitReason: ExitReason;
  /** Its nact actor, for nact's own `dispatch` (taken as a cast) and `query` (taken as a call). */
  readonly nact: NactRef;
}

/** A reference of nact's: opaque here. */
export interface NactRef {
  readonly system?: { readonly name?: string | undefined };
}

/** A process that takes calls `C`, casts `K` and other messages `I`. */
export interface ServerRef<C extends Message = never, K extends Message = never, I extends Message = never>
  extends ProcessRef {
  readonly [acceptsType]?: (call: C, cast: K, info: I) => void;
}

/**
 * A registered name, to be looked up anew at each use: OTP's `{via, ...}`. Made with `named(system, name)`.
 */
export interface NamedRef<C extends Message = never, K extends Message = never, I extends Message = never> {
  readonly registered: string;
  /** Who has the name now. */
  whereis(): ServerRef<C, K, I> | undefined;
  /** Counts a message that found nobody. */
  lost(kind: string, message: Message): void;
  readonly [acceptsType]?: (call: C, cast: K, info: I) => void;
}

/** Where a message may be sent. */
export type Destination<C extends Message = never, K extends Message = never, I extends Message = never> =
  | ServerRef<C, K, I>
  | NamedRef<C, K, I>;

/** A linked process ended, or somebody sent an exit signal, and exits are trapped. */
export interface ExitMessage {
  readonly type: 'EXIT';
  readonly from: ProcessRef;
  readonly reason: ExitReason;
}

/** A monitored process is dead. `process` is the name if it was monitored by name. */
export interface DownMessage {
  readonly type: 'DOWN';
  readonly monitor: MonitorRef;
  readonly process: ProcessRef | string;
  readonly reason: ExitReason;
}

/** No message came within the time that the last handler gave (`next.timeout(ms)`). */
export interface TimeoutMessage {
  readonly type: 'timeout';
}

/** What every process may find in `handleInfo`, besides its own messages. */
export type SystemMessage = ExitMessage | DownMessage | TimeoutMessage;

/** One monitor; `demonitor` takes it. */
export interface MonitorRef {
  readonly process: ProcessRef | string;
  readonly active: boolean;
}
