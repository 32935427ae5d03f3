import { checkChildSpec, checkChildSpecs, checkFlags } from './check-spec.ts';
import type { ChildSpec, ChildSpecInput } from './child-spec.ts';
import type { ChildView } from './engine.ts';
import type { ProcessRef } from './message.ts';
import type { Process } from './process.ts';
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

/** A child: its spec, and its process, if it has one. `restarting`: its last restart failed, and another try is on its way. */
interface Child {
  spec: ChildSpec;
  process: Process | undefined;
  restarting: boolean;
  restarts: number;
}

/** Why a supervisor could not start: a child failed, those before it were stopped again. */
export interface FailedToStartChild {
  readonly type: 'failed_to_start_child';
  readonly id: string;
  readonly reason: ExitReason;
}

/**
 * The children of a `one_for_one`, `one_for_all` or `rest_for_one` supervisor, and what happens to them.
 *
 * ```
 * exit -> find the child -> restart type and reason -> intensity -> strategy -> (failed: try again, from the end of the queue)
 * ```
 */
export class StaticSupervisor {
  readonly #core: SupervisorCore;
  /** In start order. */
  #children = new Map<string, Child>();
  #byProcess = new Map<ProcessRef, Child>();

  constructor(core: SupervisorCore, specs: readonly ChildSpec[]) {
    this.#core = core;
    for (const spec of specs) this.#children.set(spec.id, newChild(spec));
  }

  /** Starts all children in order. If one fails, stops those before it, in reverse order. */
  async startAll(): Promise<FailedToStartChild | undefined> {
    const failed = await this.#startInOrder([...this.#children.values()]);
    if (failed !== undefined) await this.stopAll();
    return failed === undefined
      ? undefined
      : { type: 'failed_to_start_child', id: failed.child.spec.id, reason: failed.reason };
  }

  /** Stops all children in reverse start order. */
  stopAll(): Promise<void> {
    return this.#stopInReverse([...this.#children.values()]);
  }

  // A child ended

  async exited(process: ProcessRef, reason: ExitReason): Promise<Verdict> {
    const child = this.#byProcess.get(process);
    if (child === undefined) return 'go_on';
    const { restart } = child.spec;
    if (restart === 'permanent' || !isOrderly(reason)) {
      this.#core.report('crash', 'child_terminated', reason, child.spec, child.process);
    }
    if (restart === 'permanent' || (restart === 'transient' && !isOrderly(reason))) return this.#restart(child);
    this.#drop(child);
    return this.#autoShutdown(child);
  }

  async tryAgain(id: string | ProcessRef): Promise<Verdict> {
    const child = this.#find(id);
    return child?.restarting ? this.#restart(child) : 'go_on';
  }

  async #restart(child: Child): Promise<Verdict> {
    if (!this.#core.mayRestart(child.spec, child.process)) {
      this.#drop(child);
      return 'shut_down';
    }
    child.restarts += 1;
    switch (this.#core.flags.strategy) {
      case 'one_for_all':
        await this.#restartAll(child, [...this.#children.values()]);
        break;
      case 'rest_for_one': {
        const all = [...this.#children.values()];
        await this.#restartAll(child, all.slice(all.indexOf(child)));
        break;
      }
      default:
        await this.#restartOne(child);
    }
    return 'go_on';
  }

  async #restartOne(child: Child): Promise<void> {
    const came = await this.#core.start(child.spec, child.spec, []);
    if (came.type === 'ok') this.#setProcess(child, came.process);
    else this.#failedAgain(child, came.reason);
  }

  async #restartAll(failed: Child, children: readonly Child[]): Promise<void> {
    this.#drop(failed);
    await this.#stopInReverse(children);
    const again = await this.#startInOrder(children.filter((child) => this.#children.get(child.spec.id) === child));
    if (again !== undefined) this.#retry(again.child);
  }

  #failedAgain(child: Child, reason: ExitReason): void {
    this.#core.report('crash', 'start_error', reason, child.spec, child.process);
    this.#retry(child);
  }

  /** The next try goes to the end of the supervisor's own queue, so that a shutdown never waits behind a restart loop. */
  #retry(child: Child): void {
    this.#setProcess(child, undefined);
    child.restarting = true;
    this.#core.self.cast(this.#core.self.ref, { type: 'try_again_restart', child: child.spec.id });
  }

  #autoShutdown(ended: Child): Verdict {
    const { autoShutdown } = this.#core.flags;
    if (autoShutdown === 'never' || !ended.spec.significant) return 'go_on';
    if (autoShutdown === 'any_significant') return 'shut_down';
    for (const child of this.#children.values()) {
      if (child.spec.significant && (child.process !== undefined || child.restarting)) return 'go_on';
    }
    return 'shut_down';
  }

  // Starting and stopping several

  async #startInOrder(children: readonly Child[]): Promise<{ child: Child; reason: ExitReason } | undefined> {
    for (const child of children) {
      const came = await this.#core.start(child.spec, child.spec, []);
      if (came.type === 'error') {
        this.#core.report('crash', 'start_error', came.reason, child.spec, undefined);
        return { child, reason: came.reason };
      }
      if (came.process === undefined && child.spec.restart === 'temporary') this.#children.delete(child.spec.id);
      else this.#setProcess(child, came.process);
    }
    return undefined;
  }

  /** Temporary children are gone for good afterwards; the others keep their specs. */
  async #stopInReverse(children: readonly Child[]): Promise<void> {
    for (const child of children.toReversed()) {
      if (child.process !== undefined) await this.#core.stop(child.process, child.spec);
      this.#drop(child);
    }
  }

  /** The child has no process any more; a temporary one is forgotten. */
  #drop(child: Child): void {
    this.#setProcess(child, undefined);
    if (child.spec.restart === 'temporary') this.#children.delete(child.spec.id);
  }

  #setProcess(child: Child, process: Process | undefined): void {
    if (child.process !== undefined) this.#byProcess.delete(child.process);
    child.process = process;
    child.restarting = false;
    if (process !== undefined) this.#byProcess.set(process, child);
  }

  // What it is asked

  async startChild(given: ChildSpecInput): Promise<StartChildResult> {
    const checked = checkChildSpec(given, this.#core.flags.autoShutdown);
    if ('error' in checked) return { type: 'error', reason: checked.error };
    const spec = checked.ok;
    const present = this.#children.get(spec.id);
    if (present?.process !== undefined) {
      return { type: 'error', reason: { type: 'already_started', ref: present.process } };
    }
    if (present !== undefined) return { type: 'error', reason: 'already_present' };
    const came = await this.#core.start(spec, spec, []);
    if (came.type === 'error')
      return { type: 'error', reason: { type: 'start_failed', reason: came.reason, id: spec.id } };
    if (came.process !== undefined || spec.restart !== 'temporary') {
      const child = newChild(spec);
      this.#children.set(spec.id, child);
      this.#setProcess(child, came.process);
    }
    return { type: 'ok', ref: came.process, ...('info' in came && { info: came.info }) };
  }

  async terminateChild(id: string | ProcessRef): Promise<ChildResult> {
    const child = this.#find(id);
    if (child === undefined) return { type: 'error', reason: 'not_found' };
    if (child.process !== undefined) await this.#core.stop(child.process, child.spec);
    this.#drop(child);
    return { type: 'ok' };
  }

  async restartChild(id: string | ProcessRef): Promise<StartChildResult> {
    const child = this.#find(id);
    if (child === undefined) return { type: 'error', reason: 'not_found' };
    if (child.restarting) return { type: 'error', reason: 'restarting' };
    if (child.process !== undefined) return { type: 'error', reason: 'running' };
    const came = await this.#core.start(child.spec, child.spec, []);
    if (came.type === 'error') return came;
    this.#setProcess(child, came.process);
    return { type: 'ok', ref: came.process, ...('info' in came && { info: came.info }) };
  }

  deleteChild(id: string | ProcessRef): ChildResult {
    const child = this.#find(id);
    if (child === undefined) return { type: 'error', reason: 'not_found' };
    if (child.restarting) return { type: 'error', reason: 'restarting' };
    if (child.process !== undefined) return { type: 'error', reason: 'running' };
    this.#children.delete(child.spec.id);
    return { type: 'ok' };
  }

  childSpec(id: string | ProcessRef): ChildSpecResult {
    const child = this.#find(id);
    return child === undefined ? { type: 'error', reason: 'not_found' } : { type: 'ok', spec: child.spec };
  }

  /** In reverse start order, as OTP lists them. */
  whichChildren(): ChildEntry[] {
    return [...this.#children.values()].reverse().map(({ spec, process, restarting }) => ({
      id: spec.id,
      child: restarting ? 'restarting' : process,
      type: spec.type,
    }));
  }

  countChildren(): ChildCounts {
    const counts = { specs: this.#children.size, active: 0, supervisors: 0, workers: 0 };
    for (const { spec, process } of this.#children.values()) {
      if (process?.alive) counts.active += 1;
      if (spec.type === 'supervisor') counts.supervisors += 1;
      else counts.workers += 1;
    }
    return counts;
  }

  /**
   * New flags and specs from now on; all of them, or none if anything is wrong. Nothing is started or stopped. Children whose specs are
   * not mentioned stay, after the others.
   */
  changeCode(flags: object, specs: readonly ChildSpecInput[]): ChangeResult {
    const checkedFlags = checkFlags(flags);
    if ('error' in checkedFlags) return { type: 'error', reason: checkedFlags.error };
    const checkedSpecs = checkChildSpecs(specs, checkedFlags.ok.autoShutdown);
    if ('error' in checkedSpecs) return { type: 'error', reason: checkedSpecs.error };
    const before = this.#children;
    this.#core.flags = checkedFlags.ok;
    this.#children = new Map();
    for (const spec of checkedSpecs.ok) {
      const child = before.get(spec.id) ?? newChild(spec);
      child.spec = spec;
      this.#children.set(spec.id, child);
    }
    for (const [id, child] of before) if (!this.#children.has(id)) this.#children.set(id, child);
    return { type: 'ok' };
  }

  view(): ChildView[] {
    return [...this.#children.values()].map(({ spec, process, restarting, restarts }) => ({
      id: spec.id,
      type: spec.type,
      process: restarting ? 'restarting' : process,
      restarts,
    }));
  }

  #find(id: string | ProcessRef): Child | undefined {
    return typeof id === 'string' ? this.#children.get(id) : undefined;
  }
}

function newChild(spec: ChildSpec): Child {
  return { spec, process: undefined, restarting: false, restarts: 0 };
}
