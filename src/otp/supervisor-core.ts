import type { Flags } from './check-spec.ts';
import type { ChildSpec } from './child-spec.ts';
import { isSealed } from './envelope.ts';
import { reasonOf } from './errors.ts';
import { unlink } from './links.ts';
import { Monitor } from './monitor.ts';
import { Process } from './process.ts';
import type { SupervisorReport } from './reports.ts';
import { RestartWindow } from './restart-window.ts';
import type { Self } from './self.ts';
import type { Awaitable } from './start.ts';
import type { SupervisorCall, TryAgain } from './supervisor-messages.ts';
import { type ExitReason, isShutdownTerm } from './terms.ts';

/** What the start of a child came to. */
export type ChildStart =
  | { readonly type: 'ok'; readonly process: Process | undefined; readonly info?: unknown }
  | { readonly type: 'error'; readonly reason: ExitReason };

/** Whether the supervisor goes on after something happened, or must end with `shutdown`. */
export type Verdict = 'go_on' | 'shut_down';

type SomeSpec = Omit<ChildSpec, 'start'>;
export type SupervisorSelf = Self<SupervisorCall, TryAgain>;

/** What static and dynamic supervisors have in common: starting one child, stopping one child, counting restarts, reporting. */
export class SupervisorCore {
  readonly self: SupervisorSelf;
  readonly process: Process;
  readonly #onReport: ((report: SupervisorReport) => void) | undefined;
  readonly #window = new RestartWindow();
  flags: Flags;

  constructor(self: SupervisorSelf, process: Process, flags: Flags, onReport?: (report: SupervisorReport) => void) {
    this.self = self;
    this.process = process;
    this.flags = flags;
    this.#onReport = onReport;
  }

  /** Runs the start function of `starter`. What it throws, and what is no start result, is an error. */
  async start<Args extends readonly unknown[]>(
    spec: SomeSpec,
    starter: Pick<ChildSpec<Args>, 'start'>,
    args: Args,
  ): Promise<ChildStart> {
    let result: unknown;
    try {
      const parent = { host: this.self.host, ref: this.self.ref, childId: spec.id };
      result = await starter.start(parent, ...args);
      if (!this.process.alive) await new Promise(() => undefined); // a killed supervisor goes no further
    } catch (thrown) {
      return { type: 'error', reason: { type: 'EXIT', reason: reasonOf(thrown) } };
    }
    const came = childStart(result);
    if (came.type === 'ok' && came.process !== undefined)
      this.report('start', 'started', undefined, spec, came.process);
    return came;
  }

  /** Counts a restart. When it is one too many, says so in a report: the supervisor must give up. */
  mayRestart(spec: SomeSpec, process: Process | undefined): boolean {
    const now = this.self.host.clock.now();
    if (this.#window.add(now, this.flags.intensity, this.flags.period)) return true;
    this.report('shutdown', 'shutdown', 'reached_max_restart_intensity', spec, process);
    return false;
  }

  /** Stops one child as its spec says, and waits until it is dead. A report tells if it did not end as it should. */
  async stop(process: Process, spec: SomeSpec): Promise<void> {
    const reason = process.alive ? await this.#endOf(process, spec) : process.exitReason;
    this.forget(process);
    this.reportStop(process, spec, reason);
  }

  /** Nothing more is to be heard of a child: its link, and the message of its end, if that is waiting. */
  forget(process: Process): void {
    unlink(this.process, process);
    this.process.mailbox.take((item) => isSealed(item) && item.kind === 'exit' && item.message.from === process);
  }

  reportStop(process: Process, spec: SomeSpec, reason: ExitReason): void {
    const expected = spec.shutdown === 'brutal_kill' ? reason === 'killed' : reason === 'shutdown';
    const orderly = reason === 'normal' || reason === 'shutdown' || isShutdownTerm(reason);
    if (expected || (orderly && spec.restart !== 'permanent')) return;
    this.report('shutdown', 'shutdown_error', reason, spec, process);
  }

  /**
   * Sends `shutdown`, then `kill` if that takes too long. Most children are dead when the signal returns; for the others, monitor and
   * timer die with the supervisor, as its waiting does.
   */
  #endOf(process: Process, { shutdown }: SomeSpec): Awaitable<ExitReason> {
    process.exitSignal(this.process, shutdown === 'brutal_kill' ? 'kill' : 'shutdown');
    if (!process.alive) return process.exitReason;
    return new Promise((done) => {
      const timer =
        typeof shutdown === 'number'
          ? this.process.startTimer(() => process.exitSignal(this.process, 'kill'), shutdown, true)
          : undefined;
      this.onDown(process, (reason) => {
        timer?.cancel();
        done(reason);
      });
    });
  }

  onDown(process: Process, onDown: (reason: ExitReason) => void): void {
    new Monitor(process, process, this.process, onDown);
  }

  report(
    kind: SupervisorReport['kind'],
    context: SupervisorReport['context'],
    reason: ExitReason,
    spec: SomeSpec,
    process: Process | undefined,
  ): void {
    const { id, restart, shutdown, type, significant } = spec;
    this.#onReport?.({
      kind,
      supervisor: this.self.ref,
      context,
      reason,
      offender: { id, ref: process, restart, shutdown, type, significant },
      restarts: this.#window.size,
      atMs: this.self.host.clock.now(),
    });
  }
}

function childStart(result: unknown): ChildStart {
  if (typeof result !== 'object' || result === null || !('type' in result)) return { type: 'error', reason: result };
  if (result.type === 'ignore') return { type: 'ok', process: undefined };
  if (result.type === 'error' && 'reason' in result) return { type: 'error', reason: result.reason };
  if (result.type === 'ok' && 'ref' in result && result.ref instanceof Process) {
    return { type: 'ok', process: result.ref, ...('info' in result && { info: result.info }) };
  }
  return { type: 'error', reason: result };
}
