import {
  CallError,
  cast,
  changeSupervisor,
  countChildren,
  deleteChild,
  exit,
  getChildSpec,
  type ProcessRef,
  restartChild,
  resume,
  type StartChildResult,
  type StartResult,
  type SupervisorRef,
  shutDown,
  startChild,
  startInstance,
  suspend,
  terminateChild,
  whenDown,
  whichChildren,
} from '../../../src/otp/index.ts';
import { arrange } from './arrange.ts';
import { asList, asNumber, asObject, asText, isObject, type Json, type JsonObject } from './json.ts';
import { Stage } from './stage.ts';
import { compareInstances, type Instance, nameOf, SupervisorLog } from './supervisor-log.ts';
import { childSpec, type ExitCast, startAt, supervisorDefinition } from './supervisor-processes.ts';
import { termOf } from './terms.ts';

const NOPROC: Json = ['EXIT', 'noproc'];

/** Runs one supervisor scenario on pitwall's own supervisors. Scenario in, trace out. */
export async function runSupervisorScenario(scenario: JsonObject): Promise<Json> {
  const run = new Run();
  const steps = [await run.step(() => run.startRoot(asObject(scenario.root)))];
  for (const op of asList(scenario.steps ?? [])) {
    if (run.log.resolve('root') === undefined) break;
    steps.push(await run.step(() => run.perform(asObject(op))));
  }
  return { name: asText(scenario.name), steps };
}

class Run {
  readonly stage = new Stage();
  readonly log = new SupervisorLog();

  async step(perform: () => Promise<Json>): Promise<Json> {
    const result = await this.stage.drive(perform());
    await this.stage.rest(() => this.log.refs);
    const state = await this.stage.drive(this.#state());
    return { result, ...arrange(this.log.take()), state };
  }

  async startRoot(definition: JsonObject): Promise<Json> {
    return this.#started(
      await startAt(this.log, 'root', { kind: 'supervisor', definition }, undefined, this.stage.system),
    );
  }

  async perform(op: JsonObject): Promise<Json> {
    switch (op.op) {
      case 'sleep':
        await this.stage.sleep(asNumber(op.ms));
        return 'ok';
      case 'stop':
        return this.#with('root', async ({ ref }) => {
          await shutDown(this.stage.system, ref, { reason: termOf(op.reason ?? 'shutdown'), timeoutMs: 1e9 });
          return 'ok';
        });
      case 'exit':
        return this.#with(op.child, async ({ ref }) => {
          cast<ExitCast>(ref, { type: 'exit', reason: termOf(op.reason) });
          await whenDown(ref);
          return 'ok';
        });
      case 'exit_signal':
        return this.#with(op.to, async ({ ref }) => {
          exit(ref, termOf(op.reason));
          return 'ok';
        });
      case 'suspended':
        return this.#with(op.supervisor, ({ ref }) => this.#suspended(ref, asList(op.ops)));
      default:
        return this.#with(op.supervisor, (live) => this.#ask(live.instance, live.ref, op));
    }
  }

  async #suspended(supervisor: SupervisorRef, ops: readonly Json[]): Promise<Json> {
    await suspend(supervisor, { timeoutMs: Number.POSITIVE_INFINITY });
    const results: Promise<Json>[] = [];
    for (const op of ops.map(asObject)) {
      const result = this.perform(op);
      results.push(result);
      if (op.op !== 'exit' && op.op !== 'exit_signal') continue;
      await result;
      // The signal is handled: its receiver waits again, or is dead.
      const target = this.log.resolve(asText(op.child ?? op.to))?.ref;
      if (target?.status === 'running') await this.#waits(target);
    }
    await resume(supervisor, { timeoutMs: Number.POSITIVE_INFINITY });
    return Promise.all(results);
  }

  async #waits(ref: ProcessRef): Promise<void> {
    while (ref.alive && ref.status === 'running') await new Promise((done) => setImmediate(done));
  }

  /** One question to a supervisor. A call that fails has the reason as result. */
  async #ask(instance: Instance, supervisor: SupervisorRef, op: JsonObject): Promise<Json> {
    try {
      return await this.#answer(instance, supervisor, op);
    } catch (error) {
      if (error instanceof CallError) return ['EXIT', this.log.encode(error.reason)];
      throw error;
    }
  }

  async #answer(instance: Instance, supervisor: SupervisorRef, op: JsonObject): Promise<Json> {
    switch (op.op) {
      case 'which_children':
        return this.#whichChildren(supervisor);
      case 'count_children':
        return { ...(await countChildren(supervisor)) };
      case 'start_child':
        if (op.args !== undefined) return this.#started(await startInstance(supervisor, ...asList(op.args)));
        return this.#started(await startChild(supervisor, childSpec(this.log, instance, op.spec ?? null)));
      case 'change_code':
        return this.#changeCode(instance, supervisor, asObject(op.to));
      default:
        return this.#askOfChild(supervisor, op);
    }
  }

  async #askOfChild(supervisor: SupervisorRef, op: JsonObject): Promise<Json> {
    const child = op.pid === undefined ? asText(op.id) : this.log.resolve(asText(op.pid))?.ref;
    if (child === undefined) return NOPROC;
    switch (op.op) {
      case 'terminate_child':
        return this.#result(await terminateChild(supervisor, child));
      case 'restart_child':
        return this.#started(await restartChild(supervisor, child));
      case 'delete_child':
        return this.#result(await deleteChild(supervisor, child));
      case 'get_childspec': {
        const result = await getChildSpec(supervisor, child);
        if (result.type === 'error') return this.#result(result);
        const { id, restart, shutdown, significant, type } = result.spec;
        return ['ok', { id, restart, shutdown, significant, type }];
      }
      default:
        throw new Error(`no such step: ${JSON.stringify(op)}`);
    }
  }

  async #changeCode(instance: Instance, supervisor: SupervisorRef, to: JsonObject): Promise<Json> {
    const { flags, children } = supervisorDefinition(this.log, instance, to);
    return this.#result(await changeSupervisor(supervisor, JSON.parse(JSON.stringify(flags)), children));
  }

  #result(result: { readonly type: 'ok' } | { readonly type: 'error'; readonly reason: unknown }): Json {
    return result.type === 'ok' ? 'ok' : ['error', this.log.encode(result.reason)];
  }

  #started(result: StartResult | StartChildResult): Json {
    if (result.type === 'ignore') return 'ignore';
    if (result.type === 'error') return ['error', this.log.encode(result.reason)];
    const ref = this.log.encode(result.ref);
    return 'info' in result ? ['ok', ref, this.log.encode(result.info)] : ['ok', ref];
  }

  async #whichChildren(supervisor: SupervisorRef): Promise<Json> {
    const entries = [...(await whichChildren(supervisor))];
    if (entries[0]?.id === undefined) entries.sort((a, b) => this.#compareRefs(a.child, b.child));
    return entries.map(({ id, child, type }) => [id ?? 'undefined', this.log.encode(child), type]);
  }

  /** By instance; those that restart last. */
  #compareRefs(a: ProcessRef | string | undefined, b: ProcessRef | string | undefined): number {
    const [one, other] = [this.#instanceOf(a), this.#instanceOf(b)];
    if (one === undefined || other === undefined) return Number(one === undefined) - Number(other === undefined);
    return compareInstances(one, other);
  }

  #instanceOf(ref: ProcessRef | string | undefined): Instance | undefined {
    return typeof ref === 'object' ? this.log.resolve(asText(this.log.encode(ref))) : undefined;
  }

  async #state(): Promise<Json> {
    const supervisors = this.log.living.filter(({ kind }) => kind !== 'worker').toSorted(compareInstances);
    const state: Json[] = [];
    for (const instance of supervisors) {
      const { ref } = instance;
      if (ref === undefined) continue;
      state.push({
        supervisor: nameOf(instance),
        which_children: await this.#whichChildren(ref),
        count_children: { ...(await countChildren(ref)) },
      });
    }
    return state;
  }

  async #with(
    reference: Json | undefined,
    run: (live: { instance: Instance; ref: ProcessRef }) => Promise<Json>,
  ): Promise<Json> {
    const instance = this.log.resolve(asText(reference));
    if (instance?.ref === undefined || instance.down) return NOPROC;
    return run({ instance, ref: instance.ref });
  }
}

export function isScenario(value: Json): value is JsonObject {
  return isObject(value) && typeof value.name === 'string';
}
