/** `runtime.health`: live, ready, degraded, for probes and for people. */
import type { ProcessTree } from '../otp/index.ts';
import type { Condition } from '../wiring/conditions.ts';
import { type HealthHandler, probeHandler } from './health-http.ts';
import type { HealthHandlerOptions, HealthProblem, HealthReport, Probe } from './health-report.ts';

/** What is looked at. */
export interface HealthSource {
  readonly stopping: boolean;
  readonly stopped: boolean;
  conditions(): readonly Condition[];
  tree(): ProcessTree;
}

/** Everything here reads what is published: no message, no I/O, some tens of microseconds, right while actors are down too. */
export class Health {
  readonly #source: HealthSource;

  constructor(source: HealthSource) {
    this.#source = source;
  }

  /**
   * Whether the process is worth keeping: true until `shutdown` has ended. A tree that is down for good does not change that, since decisions go on by
   * gRPC; `ready` says so.
   */
  live(): boolean {
    return !this.#source.stopped;
  }

  /** Whether the host should get traffic: the tree and its controller run, the store is open (on disk, or in memory with a reason), no shutdown has begun. */
  ready(): boolean {
    return this.report().ready;
  }

  report(): HealthReport {
    return reportOf(this.live(), this.#problems());
  }

  /**
   * Answers a probe: JSON, never cached, GET and HEAD. Fits node:http, Express and Fastify (whose hooks after the handler it passes by). Reasons may name
   * paths of this machine: keep it from the public.
   *
   * @param options checks of the host's own, for `ready` and `report`
   * @example
   * http.createServer(runtime.health.handler('ready')).listen(9000);
   * app.get('/readyz', runtime.health.handler('ready', { checks: [() => (database.up ? undefined : 'the database is down')] }));
   */
  handler(probe: Probe, options: HealthHandlerOptions = {}): HealthHandler {
    return probeHandler(probe, options.checks ?? [], (problems) =>
      reportOf(this.live(), [...this.#problems(), ...problems]),
    );
  }

  #problems(): HealthProblem[] {
    const { stopped, stopping } = this.#source;
    if (stopped) return [];
    if (stopping) return [SHUTTING_DOWN];
    const conditions = this.#source
      .conditions()
      .map(({ pool, ...rest }) => (pool === undefined ? rest : { ...rest, pool }));
    return [...conditions, ...hostedProblems(this.#source.tree())];
  }
}

const SHUTTING_DOWN: HealthProblem = {
  part: 'shutdown',
  reason: 'the runtime is shutting down',
  whatToDo: 'nothing: it ends within its time',
  blocksReady: true,
};

function reportOf(live: boolean, problems: readonly HealthProblem[]): HealthReport {
  const ready = live && !problems.some(({ blocksReady }) => blocksReady);
  const degraded = ready && problems.length > 0;
  const state = degraded ? 'degraded' : ready ? 'ready' : live ? 'not_ready' : 'stopped';
  return { state, live, ready, degraded, problems };
}

/** Children that the host, or a worker pool, put into the tree and that do not run now. */
function hostedProblems(tree: ProcessTree): HealthProblem[] {
  const hosted = tree.children.find(({ name }) => name === 'pitwall_hosted');
  return notRunning(hosted?.children ?? []).map(({ id, status, restarts }) => ({
    part: 'hosted',
    reason: `${id} is ${status} (restarted ${restarts} times)`,
    whatToDo: 'its supervisor starts it again; if it stays down, the log says why',
    blocksReady: false,
  }));
}

function notRunning(children: readonly ProcessTree[]): ProcessTree[] {
  return children.flatMap((child) =>
    child.status === 'restarting' || child.status === 'stopped' ? [child] : notRunning(child.children),
  );
}
