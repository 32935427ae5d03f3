import { afterEach } from 'vitest';
import {
  type Call,
  type DeadLetter,
  Exit,
  type ExitReason,
  type GenServer,
  next,
  type ProcessRef,
  reply,
  type Self,
  type ServerRef,
  type SupervisorReport,
  type System,
  type SystemMessage,
  type SystemOptions,
  startSystem,
  stopSystem,
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

const systems: System[] = [];

/** A system that is stopped after the test. */
export function testSystem(options: SystemOptions = {}): System {
  const system = startSystem({ name: 'test', ...options });
  systems.push(system);
  return system;
}

afterEach(async () => {
  await Promise.all(systems.splice(0).map((system) => stopSystem(system, { timeoutMs: 1000 })));
});

/** Collects what a callback is given, and waits for it. */
export class Collected<T> {
  readonly all: T[] = [];
  #wake: () => void = () => undefined;

  readonly add = (item: T): void => {
    this.all.push(item);
    this.#wake();
  };

  /** Resolves when an item that `is` accepts was added. */
  async until(is: (item: T) => boolean, from = 0): Promise<T> {
    for (;;) {
      const found = this.all.slice(from).find(is);
      if (found !== undefined) return found;
      await new Promise<void>((done) => {
        this.#wake = done;
      });
    }
  }

  async count(n: number): Promise<T[]> {
    while (this.all.length < n) {
      await new Promise<void>((done) => {
        this.#wake = done;
      });
    }
    return this.all;
  }
}

export type Reports = Collected<SupervisorReport>;
export type Letters = Collected<DeadLetter>;

/** A few turns of the event loop: enough for whatever is ready to be done. */
export async function turns(n = 3): Promise<void> {
  for (let i = 0; i < n; i += 1) await new Promise((done) => setImmediate(done));
}

export function name({ name: own }: ProcessRef): string {
  return own;
}
