import {
  type Call,
  Exit,
  type ExitReason,
  type GenServer,
  next,
  reply,
  type Self,
  type ServerRef,
  type SystemMessage,
} from '../../src/otp/index.ts';

/** A server that does what it is asked: enough for most tests. */
export interface Get extends Call<number> {
  readonly type: 'get';
}
export interface Crash extends Call<never> {
  readonly type: 'crash';
  readonly reason: unknown;
}
/** Answered when `release` comes. */
export interface Wait extends Call<string> {
  readonly type: 'wait';
}
export interface Add {
  readonly type: 'add';
}
export interface CrashCast {
  readonly type: 'crash';
  readonly reason: unknown;
}
export interface StopCast {
  readonly type: 'stop';
  readonly reason: unknown;
}
export interface Run {
  readonly type: 'run';
  readonly run: (self: ProbeSelf) => void | Promise<void>;
}
export interface Note {
  readonly type: 'note';
  readonly text: string;
}

export type ProbeCall = Get | Crash | Wait;
export type ProbeCast = Add | CrashCast | StopCast | Run;
export type Probe = ServerRef<ProbeCall, ProbeCast, Note>;
export type ProbeSelf = Self<ProbeCall, ProbeCast, Note>;

export interface ProbeArgs {
  readonly trapExit?: boolean;
  readonly onStart?: (ref: Probe) => void;
  readonly onInfo?: (message: Note | SystemMessage, self: ProbeSelf) => void;
  readonly onTerminate?: (reason: ExitReason, self: ProbeSelf) => void | Promise<void>;
}

export const probe: GenServer<ProbeArgs, ProbeArgs & { readonly count: number }, ProbeCall, ProbeCast, Note> = {
  init(args, self) {
    self.trapExit(args.trapExit === true);
    args.onStart?.(self.ref);
    return next.ok({ ...args, count: 0 });
  },
  handleCall(message, from, state, self) {
    switch (message.type) {
      case 'get':
        return next.reply(state.count, state);
      case 'crash':
        throw new Exit(message.reason);
      case 'wait':
        self.sendAfter({ type: 'note', text: 'release' }, 10);
        setImmediate(() => reply(from, 'released'));
        return next.noreply(state);
      default:
        return message satisfies never;
    }
  },
  handleCast(message, state, self) {
    switch (message.type) {
      case 'add':
        return next.noreply({ ...state, count: state.count + 1 });
      case 'crash':
        throw new Exit(message.reason);
      case 'stop':
        return next.stop(message.reason, state);
      case 'run': {
        const done = message.run(self);
        return done === undefined ? next.noreply(state) : done.then(() => next.noreply(state));
      }
      default:
        return message satisfies never;
    }
  },
  handleInfo(message, state, self) {
    state.onInfo?.(message, self);
    return next.noreply(state);
  },
  terminate: (reason, state, self) => state.onTerminate?.(reason, self),
};
