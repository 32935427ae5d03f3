import { checkChildSpecs, checkFlags } from './check-spec.ts';
import type { ChildSpec, ChildSpecInput } from './child-spec.ts';
import type { ChildView } from './engine.ts';
import type { ProcessRef } from './message.ts';
import { Process } from './process.ts';
import type { SupervisorCore, Verdict } from './supervisor-core.ts';
import type {
  ChangeResult,
  ChildCounts,
  ChildEntry,
  ChildResult,
  ChildSpecResult,
  StartChildResult,
} from './supervisor-messages.ts';
import { type ExitReason, isOrderly } from './terms.ts';

type Args = readonly unknown[];

/** An instance keeps what it was started with: a restart makes the same again, whatever the template says by then. */
interface Instance {
  readonly starter: ChildSpec<Args>;
  readonly args: Args;
  restarting: boolean;
  restarts: number;
}

/**
 * The children of a `simple_one_for_one` supervisor: any number of instances of one template, which come and go.
 *
 * Each is known by its process; one whose restart failed by the process that it was before.
 */
export class DynamicSupervisor {
  readonly #core: SupervisorCore;
  #template: ChildSpec<Args>;
  readonly #instances = new Map<ProcessRef, Instance>();

  constructor(core: SupervisorCore, template: ChildSpec<Args>) {
    this.#core = core;
    this.#template = template;
  }

  async startInstance(args: Args): Promise<StartChildResult> {
    const starter = this.#template;
    const came = await this.#core.start(starter, starter, args);
    if (came.type === 'error') return came;
    if (came.process !== undefined) {
      this.#instances.set(came.process, { starter, args, restarting: false, restarts: 0 });
    }
    return { type: 'ok', ref: came.process, ...('info' in came && { info: came.info }) };
  }

  // A child ended

  async exited(ref: ProcessRef, reason: ExitReason): Promise<Verdict> {
    const instance = this.#instances.get(ref);
    if (instance === undefined || instance.restarting) return 'go_on';
    const { restart } = this.#template;
    if (restart === 'permanent' || !isOrderly(reason)) {
      this.#core.report('crash', 'child_terminated', reason, this.#template, processOrNone(ref));
    }
    if (restart === 'permanent' || (restart === 'transient' && !isOrderly(reason))) return this.#restart(ref, instance);
    this.#instances.delete(ref);
    return this.#autoShutdown();
  }

  async tryAgain(ref: string | ProcessRef): Promise<Verdict> {
    const instance = typeof ref === 'string' ? undefined : this.#instances.get(ref);
    if (typeof ref === 'string' || !instance?.restarting) return 'go_on';
    return this.#restart(ref, instance);
  }

  async #restart(before: ProcessRef, instance: Instance): Promise<Verdict> {
    if (!this.#core.mayRestart(this.#template, processOrNone(before))) {
      this.#instances.delete(before);
      return 'shut_down';
    }
    this.#instances.delete(before);
    const again: Instance = { ...instance, restarting: false, restarts: instance.restarts + 1 };
    const came = await this.#core.start(this.#template, instance.starter, instance.args);
    if (came.type === 'error') {
      this.#core.report('crash', 'start_error', came.reason, this.#template, processOrNone(before));
      this.#instances.set(before, { ...again, restarting: true });
      this.#core.self.cast(this.#core.self.ref, { type: 'try_again_restart', child: before });
    } else if (came.process !== undefined) this.#instances.set(came.process, again);
    return 'go_on';
  }

  #autoShutdown(): Verdict {
    const { autoShutdown } = this.#core.flags;
    if (autoShutdown === 'never' || !this.#template.significant) return 'go_on';
    return autoShutdown === 'any_significant' || this.#instances.size === 0 ? 'shut_down' : 'go_on';
  }

  /** Stops all instances at once; those that take too long are killed together. */
  async stopAll(): Promise<void> {
    const template = this.#template;
    const running = [...this.#instances].flatMap(([ref, { restarting }]) =>
      ref instanceof Process && !restarting ? [ref] : [],
    );
    const left = new Set(running.filter((process) => process.alive));
    await new Promise<void>((done) => {
      if (left.size === 0) return done();
      const { shutdown } = template;
      const killAll = (): void => {
        for (const process of left) process.exitSignal(this.#core.process, 'kill');
      };
      const timer = typeof shutdown === 'number' ? this.#core.process.startTimer(killAll, shutdown, true) : undefined;
      for (const process of left) {
        this.#core.onDown(process, () => {
          left.delete(process);
          if (left.size > 0) return;
          timer?.cancel();
          done();
        });
      }
      for (const process of [...left]) {
        process.exitSignal(this.#core.process, shutdown === 'brutal_kill' ? 'kill' : 'shutdown');
      }
    });
    for (const process of running) {
      this.#core.forget(process);
      this.#core.reportStop(process, template, process.exitReason);
    }
    this.#instances.clear();
  }

  // What it is asked

  async terminateChild(ref: string | ProcessRef): Promise<ChildResult> {
    if (typeof ref === 'string') return { type: 'error', reason: 'simple_one_for_one' };
    const instance = this.#instances.get(ref);
    if (instance === undefined) return ref.alive ? { type: 'error', reason: 'not_found' } : { type: 'ok' };
    if (ref instanceof Process && !instance.restarting) await this.#core.stop(ref, this.#template);
    this.#instances.delete(ref);
    return { type: 'ok' };
  }

  /** The template's, for its id and for a process that is an instance, or is dead. */
  childSpec(ref: string | ProcessRef): ChildSpecResult {
    const known = typeof ref === 'string' ? ref === this.#template.id : this.#instances.has(ref) || !ref.alive;
    return known ? { type: 'ok', spec: this.#template } : { type: 'error', reason: 'not_found' };
  }

  whichChildren(): ChildEntry[] {
    return [...this.#instances].map(([ref, { restarting }]) => ({
      id: undefined,
      child: restarting ? 'restarting' : ref,
      type: this.#template.type,
    }));
  }

  /** All that are not restarting count as active, dead or alive, as in OTP. */
  countChildren(): ChildCounts {
    const size = this.#instances.size;
    let active = 0;
    for (const { restarting } of this.#instances.values()) if (!restarting) active += 1;
    const supervisors = this.#template.type === 'supervisor' ? size : 0;
    return { specs: 1, active, supervisors, workers: size - supervisors };
  }

  /** New flags and a new template, or neither. Instances that run keep how they are started. */
  changeCode(flags: object, specs: readonly ChildSpecInput<Args>[]): ChangeResult {
    const checkedFlags = checkFlags(flags);
    if ('error' in checkedFlags) return { type: 'error', reason: checkedFlags.error };
    const checkedSpecs = checkChildSpecs(specs, checkedFlags.ok.autoShutdown);
    if ('error' in checkedSpecs) return { type: 'error', reason: checkedSpecs.error };
    const [template, ...others] = checkedSpecs.ok;
    if (template === undefined || others.length > 0) {
      return { type: 'error', reason: { type: 'bad_start_spec', ids: checkedSpecs.ok.map(({ id }) => id) } };
    }
    this.#core.flags = checkedFlags.ok;
    this.#template = template;
    return { type: 'ok' };
  }

  view(): ChildView[] {
    return [...this.#instances].map(([ref, { restarting, restarts }]) => ({
      id: this.#template.id,
      type: this.#template.type,
      process: restarting ? 'restarting' : ref,
      restarts,
    }));
  }
}

function processOrNone(ref: ProcessRef): Process | undefined {
  return ref instanceof Process ? ref : undefined;
}
