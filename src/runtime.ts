/**
 * `startRuntime(options)`: wires everything, starts the tree, returns what a host embeds. Each method says whether it is a function call
 * on the hot path (synchronous, never throws) or a question to an actor (a promise).
 */
import type { Alert, PastAlert } from './actors/adviser.ts';
import { ACTOR } from './actors/names.ts';
import { parseConfig } from './config/parse.ts';
import type { PolicyPatch, RuntimeConfig, RuntimeOptions } from './config/types.ts';
import type { Decision } from './decision/decision.ts';
import type { PoolSnapshot, RuleContext } from './decision/types.ts';
import { InvalidArgumentError } from './errors.ts';
import { AdviceApi } from './facade/advice.ts';
import { Analyzer } from './facade/analyzer.ts';
import { Benchmarks } from './facade/benchmark.ts';
import { type ConfigDiff, diffConfig } from './facade/configuration.ts';
import { CostBenefit } from './facade/cost-benefit.ts';
import { Dashboard } from './facade/dashboard.ts';
import { Experiments } from './facade/experiments.ts';
import { Health } from './facade/health.ts';
import { Learning } from './facade/learning.ts';
import { Policies, type PolicyChangeNote, readNote } from './facade/policies.ts';
import { exportState, type StateExportOptions } from './facade/state-export.ts';
import { Thresholds } from './facade/thresholds.ts';
import type { Lanes, TransferInput } from './hot-path/lanes.ts';
import type { TransferOptions } from './hot-path/transfer.ts';
import { call, cast, type NactRef, type ProcessTree, type ServerRef, whereis } from './otp/index.ts';
import { ordinaryBuffer, type PoolBuffer } from './transports/pool-buffer.ts';
import type { RuntimePort } from './transports/runtime-port.ts';
import type { PoolStatistics } from './wiring/brain.ts';
import { type Engine, startEngine } from './wiring/engine.ts';
import type { RuntimeListener } from './wiring/notices.ts';

/** How the runtime is. `degraded`: decisions go on, with less than it could have; the reasons say what is missing. */
export interface RuntimeStatus {
  readonly state: 'running' | 'degraded' | 'stopped';
  readonly reasons: readonly string[];
}

/** The facade. Made by `startRuntime`. */
export class Runtime {
  readonly thresholds: Thresholds;
  readonly analyzer: Analyzer;
  readonly advice: AdviceApi;
  readonly costBenefit: CostBenefit;
  readonly learning: Learning;
  readonly policies: Policies;
  readonly experiments: Experiments;
  readonly dashboard: Dashboard;
  readonly health: Health;
  readonly #engine: Engine;

  /** Use `startRuntime`. */
  constructor(engine: Engine) {
    this.#engine = engine;
    this.thresholds = new Thresholds(engine.brain.board, engine.destinations);
    this.analyzer = new Analyzer(engine.destinations, engine.brain.decider, benchmarksOf(engine));
    this.advice = new AdviceApi(engine.destinations);
    this.health = new Health(engine);
    this.costBenefit = new CostBenefit(engine.brain.board);
    this.experiments = new Experiments({
      board: engine.brain.board,
      destinations: engine.destinations,
      config: engine.config,
    });
    this.policies = new Policies(engine.brain.board, engine.destinations, (pool) =>
      engine.brain.factory.disabledRules(pool),
    );
    this.learning = new Learning(engine.brain.board, engine.destinations, engine.probes);
    const { advice, experiments, thresholds } = this;
    this.dashboard = new Dashboard(engine, { advice, experiments, thresholds, alerts: () => this.alerts() });
  }

  /** The configuration in force, validated. */
  get config(): RuntimeConfig {
    return this.#engine.config;
  }

  /**
   * Which lane a payload should take. Synchronous, about a microsecond; never throws: whatever is given gets a decision, and in doubt it
   * is gRPC with `fallback: true` and the reason.
   *
   * @param request `{ pool, data }`, or `{ pool, dataSize, dataType, format }`; plus `compression?`, `sessionId?`, `attributes?`
   */
  decideTransferMethod(request: unknown): Decision {
    return this.#engine.brain.decider.decide(request);
  }

  /** Reports what a decided transfer cost. Never blocks, never throws; what cannot be taken is counted in `refusals`. */
  recordTransferMetrics(transferId: string, metrics: unknown): void {
    this.#engine.brain.decider.record(transferId, metrics);
  }

  /**
   * The whole loop: decide, move the payload by one of the two lanes, measure, record, and fall back to gRPC where zero-copy fails.
   *
   * @returns what the lane resolved with
   * @throws what the gRPC lane rejected with; what zero-copy rejected with, if its error says `retryable: false`; the signal's reason
   */
  async transfer<D, T>(request: TransferInput<D>, lanes: Lanes<D, T>, options?: TransferOptions): Promise<T> {
    if (typeof request !== 'object' || request === null) {
      throw new InvalidArgumentError('request', request, 'an object with the payload as data');
    }
    return this.#engine.brain.transfers.run(request, request.data, lanes, options);
  }

  /**
   * Memory of a pool of `pitwall/transports` to build a payload in, where its workers can read it: sent from there, nothing is copied. Ordinary memory
   * (`shared: false`) where the pool has no room, no shared memory, or no workers.
   *
   * @throws InvalidArgumentError for a number of bytes that is none
   * @example
   * using buffer = runtime.allocate('ml', 64 * 1024 * 1024);
   * fill(buffer.bytes);
   * await workers.execute('hash', buffer.bytes);
   */
  allocate(pool: string, bytes: number): PoolBuffer {
    return (this.#engine.memory.get(pool) ?? ordinaryBuffer)(bytes);
  }

  /** A pool's counts since the runtime started; undefined for a pool that is unknown. */
  getStatistics(pool: string): PoolStatistics | undefined {
    return this.#engine.brain.statistics(pool);
  }

  /** Names of all pools: configured ones, and those that requests created. */
  pools(): string[] {
    return [...this.#engine.brain.board.slots()].map((slot) => slot.pool);
  }

  /**
   * Changes a pool's policy at run time. The keys of the patch replace the old values; it takes effect with the next decision and
   * survives a restart.
   *
   * @returns the new policy's version, which decisions name
   * @throws ConfigError `PITWALL_INVALID_POLICY` naming every field that is wrong, and nothing is changed; InvalidArgumentError for a pool
   *   that is unknown; CallError while the controller is down
   */
  async updatePolicy(pool: string, patch: PolicyPatch<RuleContext>, note: PolicyChangeNote = {}): Promise<number> {
    return (await this.policies.update(pool, patch, note)).version;
  }

  /**
   * What another configuration would change, against what is in force (policies changed at run time included): every problem of it, or the list of
   * changes, each `now` (`updatePolicy`, `disable`) or with a restart. Nothing is changed. Loggers, and the code of custom rules, are not compared.
   */
  diffConfig(options: unknown): ConfigDiff {
    return diffConfig(options, this.config, this.#engine.brain.board);
  }

  /**
   * Everything for a post-mortem, as JSON lines: how the runtime stands, active alerts, then records, thresholds, policies with their history, models,
   * baselines, experiments, events. `pitwall import` takes it. In slices, any amount in constant memory.
   *
   * @throws PitwallError `PITWALL_STORE_UNAVAILABLE` while the store is down; the signal's reason
   * @example
   * await pipeline(Readable.from(runtime.exportState()), createWriteStream('post-mortem.jsonl'));
   */
  exportState(options: StateExportOptions = {}): AsyncGenerator<Uint8Array> {
    const policiesOf = async (pool: string) => [pool, await this.policies.history(pool)] as const;
    return exportState(
      {
        store: () => this.#engine.store,
        flush: () => this.flush(),
        status: () => this.status,
        pools: () => this.pools().flatMap((pool) => this.getStatistics(pool) ?? []),
        refusals: () => this.refusals,
        alerts: () => this.alerts(),
        policies: () => Promise.all(this.pools().map(policiesOf)),
        nowMs: () => this.#engine.system.clock.now(),
      },
      options ?? {},
    );
  }

  /** A recent decision with analysis, rationale and policy; undefined once newer decisions took its place. */
  explain(transferId: string): Decision | undefined {
    return this.#engine.brain.decider.find(transferId);
  }

  /**
   * The kill switch, at once and in every pool: `grpc` sends everything by gRPC, `static_rules` decides by thresholds alone, as configured,
   * with nothing learned. It holds until `enable`, over restarts too (kept in the store, a moment later).
   *
   * @throws InvalidArgumentError for another mode, or a note that is no text
   */
  disable(mode: 'grpc' | 'static_rules' = 'grpc', note: PolicyChangeNote = {}): void {
    if (mode !== 'grpc' && mode !== 'static_rules')
      throw new InvalidArgumentError('mode', mode, "'grpc' or 'static_rules'");
    this.#setMode(mode === 'grpc' ? 'disabled' : 'static_rules', note);
  }

  /** Takes `disable` back. */
  enable(note: PolicyChangeNote = {}): void {
    this.#setMode('enabled', note);
  }

  #setMode(mode: PoolSnapshot['mode'], note: PolicyChangeNote): void {
    const { by, why } = readNote(note);
    this.#engine.brain.setMode(mode);
    cast(this.#engine.destinations.controller, { type: 'mode_set', mode, by, why });
  }

  /** What the decisions of a pool read: everything that was published for it. */
  snapshot(pool: string): PoolSnapshot | undefined {
    return this.#engine.brain.board.slot(pool);
  }

  get status(): RuntimeStatus {
    return this.#engine.status();
  }

  /**
   * Notes that something happened that may change how transfers go: `runtime.annotate('deploy', 'resnet v2')`. Regressions and anomalies are
   * set against it. Kept with the metrics; the latest 2 000.
   *
   * @param what a short word; `detail` a line, cut at 512 characters
   * @throws InvalidArgumentError where either is no text, or there is none
   */
  annotate(what: string, detail = '', pool?: string): void {
    if (typeof what !== 'string' || what.trim() === '') {
      throw new InvalidArgumentError('what', what, 'a word such as deploy');
    }
    if (typeof detail !== 'string') throw new InvalidArgumentError('detail', detail, 'a text');
    if (pool !== undefined && typeof pool !== 'string')
      throw new InvalidArgumentError('pool', pool, 'the name of a pool');
    this.#engine.timeline.add('annotation', detail === '' ? what : `${what}: ${detail}`, pool);
  }

  /** Alerts that are active, the oldest first: plain JSON. @throws CallError while the adviser is down */
  alerts(): Promise<readonly Alert[]> {
    return call(this.#engine.destinations.adviser, { type: 'get_alerts' });
  }

  /** The last 64 alerts that are over, the newest first. @throws CallError while the adviser is down */
  alertHistory(): Promise<readonly PastAlert[]> {
    return call(this.#engine.destinations.adviser, { type: 'get_alert_history' });
  }

  /** The live supervision tree: ids, status, restarts, mailbox lengths. */
  tree(): ProcessTree {
    return this.#engine.tree();
  }

  /** Restarts of any supervised process since the runtime started. */
  get restarts(): number {
    return this.#engine.notices.restarts;
  }

  /** What was refused or lost, by cause. */
  get refusals(): Readonly<Record<string, number>> {
    const { refusals, queue } = this.#engine.brain;
    return { ...refusals, droppedRecords: queue.dropped };
  }

  /** Supervisor reports, alerts, threshold steps, status changes. @returns a function that ends the subscription */
  subscribe(listener: RuntimeListener): () => void {
    if (typeof listener !== 'function') throw new InvalidArgumentError('listener', listener, 'a function');
    const unsubscribe = this.#engine.notices.subscribe(listener);
    if (!unsubscribe) throw new InvalidArgumentError('listener', listener, 'at most 64 listeners at a time');
    return unsubscribe;
  }

  /** An actor of the tree by its registered name, such as `controller` or `threshold_manager:ml`. */
  whereis(name: string): ServerRef | undefined {
    return whereis(this.#engine.system, name);
  }

  /** The controller's nact actor, for nact's own `dispatch` and `query`; undefined while it is down. */
  get controller(): NactRef | undefined {
    return this.whereis(ACTOR.controller)?.nact;
  }

  /** Where pitwall's transports and a host's own children attach themselves. */
  get port(): RuntimePort {
    return this.#engine.port;
  }

  /**
   * Resolves when every transfer that was recorded before the call is durable.
   * @returns how many records still wait because the store refuses them; 0 when all is well
   */
  async flush(): Promise<number> {
    return this.#engine.flush();
  }

  /**
   * Stops in reverse order: hosted children first, then the tree; the recorder writes what it holds. Bounded by `timeoutMs` (default:
   * `shutdownTimeoutMs` of the configuration) and by `signal`, which both kill what still runs. Leaves no handle. Twice is as once.
   */
  async shutdown(options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {}): Promise<void> {
    await Promise.all([this.dashboard.close(), this.#engine.shutdown(options)]);
  }
}

function benchmarksOf({ port, production, system }: Engine): Benchmarks {
  return new Benchmarks({
    port,
    production,
    nowMs: () => system.clock.now(),
    elapsedMs: () => performance.now(),
  });
}

/**
 * Starts pitwall in this process.
 *
 * With no options: one pool `default`, storage under `./pitwall-data`, the seed's defaults. A part that cannot start (a store that cannot
 * be opened, say) leaves a runtime that decides without it and says so in `status`.
 *
 * @throws ConfigError `PITWALL_INVALID_CONFIG` listing every problem of the configuration; nothing else
 * @example
 * const runtime = await startRuntime({ dataDir: './pitwall-data', pools: [{ name: 'ml', goal: 'minimize_latency' }] });
 */
export async function startRuntime(options?: RuntimeOptions<RuleContext>): Promise<Runtime> {
  return new Runtime(await startEngine(parseConfig(options)));
}
