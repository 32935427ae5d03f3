import type { AutoShutdown, Flags } from './check-spec.ts';
import type { ChildSpecInput } from './child-spec.ts';
import { call } from './client.ts';
import { startGenServer } from './gen-server.ts';
import type { Destination, ProcessRef, ServerRef } from './message.ts';
import type { Parent } from './spawn.ts';
import type { StartOptions, StartResult } from './start.ts';
import type {
  ChangeResult,
  ChildCounts,
  ChildEntry,
  ChildResult,
  ChildSpecResult,
  StartChildResult,
  SupervisorCall,
  TryAgain,
} from './supervisor-messages.ts';
import { type SupervisorInit, supervisorServer } from './supervisor-server.ts';

/** A supervisor's process. */
export type SupervisorRef = ServerRef<SupervisorCall, TryAgain>;

/** A supervisor, by ref or by registered name. */
export type Supervisor = Destination<SupervisorCall>;

declare const instanceArgs: unique symbol;

/** A dynamic supervisor's process, whose `startInstance` takes `Args`. */
export interface DynamicSupervisorRef<Args extends readonly unknown[]> extends SupervisorRef {
  readonly [instanceArgs]?: (...args: Args) => void;
}

/** How a supervisor behaves. All have OTP's defaults. */
export interface SupervisorFlags {
  /**
   * Which children are started again when one must be: that one (`one_for_one`, the default), all (`one_for_all`), or that one and
   * those that were started after it (`rest_for_one`).
   */
  readonly strategy?: 'one_for_one' | 'one_for_all' | 'rest_for_one';
  /** How many restarts are allowed within `period`; one more, and the supervisor gives up with `shutdown`. Default 1. */
  readonly intensity?: number;
  /** Seconds. Default 5. */
  readonly period?: number;
  /** Whether the end in order of any, or of the last, significant child ends the supervisor. Default `never`. */
  readonly autoShutdown?: AutoShutdown;
}

/**
 * Starts a supervisor and, in order, its children. Resolves when all of them run; if one fails, those before it are stopped again and the
 * result is an error. Never rejects.
 *
 * @example
 * const root = started(await startSupervisor(system, { strategy: 'rest_for_one', intensity: 3 }, [
 *   workerSpec('store', storeServer, './data'),
 *   workerSpec('recorder', recorderServer, undefined),
 * ]));
 */
export function startSupervisor(
  parent: Parent,
  flags: SupervisorFlags,
  children: readonly ChildSpecInput[],
  options: StartOptions = {},
): Promise<StartResult<SupervisorRef>> {
  return startSupervisorFrom(parent, () => ({ flags, children }), options);
}

/**
 * Starts a supervisor whose flags and children come from a function, called anew at each start and restart: OTP's callback module. It
 * may be async, may come to `{ type: 'ignore' }`, and may throw. `strategy: 'simple_one_for_one'` with one template makes a dynamic one.
 */
export function startSupervisorFrom(
  parent: Parent,
  init: SupervisorInit,
  options: StartOptions = {},
): Promise<StartResult<SupervisorRef>> {
  return startGenServer(parent, supervisorServer, init, { name: parent.childId ?? 'supervisor', ...options });
}

/**
 * Starts a supervisor for children of one kind that come and go: OTP's `simple_one_for_one`, Elixir's DynamicSupervisor. It starts
 * empty; `startInstance(ref, ...args)` starts one, and its restarts get the same arguments.
 *
 * @example
 * const pools = started(await startDynamicSupervisor(system, {}, {
 *   id: 'pool',
 *   start: (parent, name: string) => startGenServer(parent, poolServer, name, { register: `pool.${name}` }),
 * }));
 * await startInstance(pools, 'ml');
 */
export function startDynamicSupervisor<Args extends readonly unknown[]>(
  parent: Parent,
  flags: Omit<SupervisorFlags, 'strategy'>,
  template: ChildSpecInput<Args>,
  options: StartOptions = {},
): Promise<StartResult<DynamicSupervisorRef<Args>>> {
  return startSupervisorFrom(parent, () => dynamicDefinition(flags, template), options);
}

function dynamicDefinition<Args extends readonly unknown[]>(
  flags: Omit<SupervisorFlags, 'strategy'>,
  template: ChildSpecInput<Args>,
) {
  return { flags: { ...flags, strategy: 'simple_one_for_one' }, children: [template] };
}

/** The spec of a child that is a supervisor. `options.shutdown` defaults to `infinity`: its children need their time. */
export function supervisorSpec(
  id: string,
  flags: SupervisorFlags,
  children: readonly ChildSpecInput[],
  options: SupervisorChildOptions = {},
): ChildSpecInput {
  return specOf(id, (parent, start) => startSupervisor(parent, flags, children, start), options);
}

/** The spec of a child that is a dynamic supervisor. */
export function dynamicSupervisorSpec<Args extends readonly unknown[]>(
  id: string,
  flags: Omit<SupervisorFlags, 'strategy'>,
  template: ChildSpecInput<Args>,
  options: SupervisorChildOptions = {},
): ChildSpecInput {
  return specOf(id, (parent, start) => startDynamicSupervisor(parent, flags, template, start), options);
}

/** What may be said of a supervisor as a child. */
export type SupervisorChildOptions = Partial<Pick<ChildSpecInput, 'restart' | 'shutdown' | 'significant'>> &
  Pick<StartOptions, 'name' | 'register'>;

function specOf(
  id: string,
  start: (parent: Parent, options: StartOptions) => Promise<StartResult>,
  { name, register, ...child }: SupervisorChildOptions,
): ChildSpecInput {
  const options = { ...(name !== undefined && { name }), ...(register !== undefined && { register }) };
  return { id, type: 'supervisor', start: (parent) => start(parent, options), ...child };
}

// What can be asked of a supervisor. Each waits for as long as it takes, as in OTP, and rejects with a CallError if it is dead, or
// dies before it answers.

const NO_LIMIT = { timeoutMs: Number.POSITIVE_INFINITY };

/** Adds a child spec and starts the child. */
export function startChild(supervisor: Supervisor, spec: ChildSpecInput): Promise<StartChildResult> {
  return call(supervisor, { type: 'start_child', spec }, NO_LIMIT);
}

/** Starts an instance of a dynamic supervisor's template. */
export function startInstance<Args extends readonly unknown[]>(
  supervisor: DynamicSupervisorRef<Args>,
  ...args: Args
): Promise<StartChildResult> {
  return call(supervisor, { type: 'start_instance', args }, NO_LIMIT);
}

/** Stops a child; its spec stays (unless it is temporary). By id; under a dynamic supervisor by ref. */
export function terminateChild(supervisor: Supervisor, child: string | ProcessRef): Promise<ChildResult> {
  return call(supervisor, { type: 'terminate_child', child }, NO_LIMIT);
}

/** Starts a child again that was stopped, ended, or never ran. */
export function restartChild(supervisor: Supervisor, id: string | ProcessRef): Promise<StartChildResult> {
  return call(supervisor, { type: 'restart_child', child: id }, NO_LIMIT);
}

/** Removes the spec of a child that is not running. */
export function deleteChild(supervisor: Supervisor, id: string | ProcessRef): Promise<ChildResult> {
  return call(supervisor, { type: 'delete_child', child: id }, NO_LIMIT);
}

/** The spec of a child, defaults filled in. */
export function getChildSpec(supervisor: Supervisor, child: string | ProcessRef): Promise<ChildSpecResult> {
  return call(supervisor, { type: 'get_childspec', child }, NO_LIMIT);
}

/** All children, the last started first. */
export function whichChildren(supervisor: Supervisor): Promise<readonly ChildEntry[]> {
  return call(supervisor, { type: 'which_children' }, NO_LIMIT);
}

export function countChildren(supervisor: Supervisor): Promise<ChildCounts> {
  return call(supervisor, { type: 'count_children' }, NO_LIMIT);
}

/**
 * Gives a running supervisor new flags and specs, all or none: OTP's `code_change`. Nothing is started or stopped; flags that are left out
 * have their defaults; children that are not mentioned stay, after the others. Lasts until the supervisor itself is restarted.
 */
export function changeSupervisor(
  supervisor: Supervisor,
  flags: SupervisorFlags | Flags,
  children: readonly ChildSpecInput[],
): Promise<ChangeResult> {
  return call(supervisor, { type: 'change_code', flags, children }, NO_LIMIT);
}
