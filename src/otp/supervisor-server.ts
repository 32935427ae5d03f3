import type { GenServer } from './behaviour.ts';
import { checkChildSpecs, checkFlags, type Flags, type SpecError } from './check-spec.ts';
import type { ChildSpecInput } from './child-spec.ts';
import { processOf } from './client.ts';
import { DynamicSupervisor } from './dynamic-supervisor.ts';
import type { ReplyOf } from './message.ts';
import { type CallNext, type InitResult, type Next, next } from './next.ts';
import { isPromiseLike } from './server-loop.ts';
import type { Awaitable } from './start.ts';
import { type FailedToStartChild, StaticSupervisor } from './static-supervisor.ts';
import { SupervisorCore, type Verdict } from './supervisor-core.ts';
import type { BadStartSpec, SupervisorCall, TryAgain } from './supervisor-messages.ts';

type Args = readonly unknown[];

/** What a supervisor is made of: flags, and children in start order (a dynamic one: its template). */
export interface SupervisorDefinition {
  readonly flags: object;
  readonly children: readonly ChildSpecInput<Args>[] | readonly ChildSpecInput[];
}

/** What the init of a supervisor may come to. It may also throw. */
export type SupervisorInit = () => Awaitable<SupervisorDefinition | { readonly type: 'ignore' }>;

/** Why a supervisor did not start. */
export type SupervisorStartError =
  | { readonly type: 'supervisor_data' | 'start_spec'; readonly error: SpecError }
  | BadStartSpec
  | { readonly shutdown: FailedToStartChild };

type State = StaticSupervisor | DynamicSupervisor;

/**
 * The supervisor, itself a GenServer: it traps exits, so that the end of a child is a message like others, and everything that it does
 * about it is done in its turn.
 */
export const supervisorServer: GenServer<SupervisorInit, State, SupervisorCall, TryAgain> = {
  async init(definition, self) {
    self.trapExit(true);
    const given = await self.wait(Promise.resolve(definition()));
    if ('type' in given) return next.ignore();
    const flags = checkFlags(given.flags);
    if ('error' in flags) return refuse({ type: 'supervisor_data', error: flags.error });
    const core = new SupervisorCore(self, processOf(self.ref), flags.ok, self.host.onReport);
    return isDynamic(flags.ok) ? initDynamic(core, given.children) : initStatic(core, given.children);
  },

  handleCall(message, _from, state): Awaitable<CallNext<State, ReplyOf<SupervisorCall>>> {
    const answer = ask(state, message);
    return isPromiseLike(answer) ? answer.then((value) => next.reply(value, state)) : next.reply(answer, state);
  },

  async handleCast(message, state) {
    return goOn(await state.tryAgain(message.child), state);
  },

  handleInfo(message, state): Awaitable<Next<State>> {
    // Messages that nobody of the supervisor's own sent are none of its business.
    if (message.type !== 'EXIT') return next.noreply(state);
    return state.exited(message.from, message.reason).then((verdict) => goOn(verdict, state));
  },

  terminate: (_reason, state) => state.stopAll(),
};

async function initStatic(core: SupervisorCore, children: readonly ChildSpecInput[]): Promise<InitResult<State>> {
  const specs = checkChildSpecs(children, core.flags.autoShutdown);
  if ('error' in specs) return refuse({ type: 'start_spec', error: specs.error });
  const supervisor = new StaticSupervisor(core, specs.ok);
  core.process.showChildren = () => supervisor.view();
  const failed = await supervisor.startAll();
  return failed === undefined ? next.ok(supervisor) : refuse({ shutdown: failed });
}

function initDynamic(core: SupervisorCore, children: readonly ChildSpecInput<Args>[]): InitResult<State> {
  const [template, ...others] = children;
  if (template === undefined || others.length > 0) {
    return refuse({ type: 'bad_start_spec', ids: children.map(({ id }) => id) });
  }
  const specs = checkChildSpecs([template], core.flags.autoShutdown);
  if ('error' in specs) return refuse({ type: 'start_spec', error: specs.error });
  const [checked] = specs.ok;
  if (checked === undefined) return refuse({ type: 'bad_start_spec', ids: [] });
  const supervisor = new DynamicSupervisor(core, checked);
  core.process.showChildren = () => supervisor.view();
  return next.ok(supervisor);
}

function isDynamic(flags: Flags): boolean {
  return flags.strategy === 'simple_one_for_one';
}

function refuse(error: SupervisorStartError): InitResult<State> {
  return next.refuse(error);
}

function goOn(verdict: Verdict, state: State): Next<State> {
  return verdict === 'go_on' ? next.noreply(state) : next.stop('shutdown', state);
}

function ask(state: State, message: SupervisorCall): Awaitable<ReplyOf<SupervisorCall>> {
  switch (message.type) {
    case 'which_children':
      return state.whichChildren();
    case 'count_children':
      return state.countChildren();
    case 'get_childspec':
      return state.childSpec(message.child);
    case 'terminate_child':
      return state.terminateChild(message.child);
    case 'change_code':
      return state.changeCode(message.flags, message.children);
    case 'start_instance':
      if (state instanceof DynamicSupervisor) return state.startInstance(message.args);
      return { type: 'error', reason: { type: 'invalid_child_spec', value: message.args } };
    case 'start_child':
      return state instanceof StaticSupervisor ? state.startChild(message.spec) : REFUSED;
    case 'restart_child':
      return state instanceof StaticSupervisor ? state.restartChild(message.child) : REFUSED;
    case 'delete_child':
      return state instanceof StaticSupervisor ? state.deleteChild(message.child) : REFUSED;
    default:
      return message satisfies never;
  }
}

/** What goes by id is refused where there are no ids. */
const REFUSED = Object.freeze({ type: 'error', reason: 'simple_one_for_one' });
