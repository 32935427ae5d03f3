/**
 * The running thing behind the facade: system, brain, the two trees, and their end.
 */
import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import type { LoggerProvider } from '@opentelemetry/api-logs';
import { AlertTable } from '../actors/adviser-alerts.ts';
import { Destinations } from '../actors/destinations.ts';
import { MachineHistory } from '../actors/machine-history.ts';
import { ProductionWatch } from '../actors/production-watch.ts';
import { Timeline } from '../actors/timeline.ts';
import type { RuntimeConfig } from '../config/types.ts';
import type { MetricsStore } from '../metrics/store-types.ts';
import {
  type ChildSpecInput,
  call,
  describeReason,
  inspect,
  type ProcessRef,
  type ProcessTree,
  type SupervisorRef,
  type System,
  shutDown,
  startSupervisor,
  startSystem,
  stopSystem,
  systemClock,
} from '../otp/index.ts';
import { HOSTED, HOSTED_NAME, pitwallTree, ROOT, ROOT_NAME, type TreeArgs } from '../supervisors/tree.ts';
import { createContextCarrier } from '../telemetry/context.ts';
import { createTelemetry, type Telemetry, type TelemetrySettings } from '../telemetry/instruments.ts';
import type { PoolBuffer } from '../transports/pool-buffer.ts';
import type { ProbeOffer } from '../transports/probe-offer.ts';
import type { RuntimePort } from '../transports/runtime-port.ts';
import { Brain } from './brain.ts';
import { type Condition, conditionsOf } from './conditions.ts';
import { MachineWatch } from './machine-watch.ts';
import { Notices } from './notices.ts';
import { createPort } from './port.ts';
import { StoreOwner } from './store-owner.ts';
import { telemetrySource } from './telemetry-source.ts';
import { treeArgs } from './tree-args.ts';
import { Webhook } from './webhook.ts';

export class Engine {
  readonly config: RuntimeConfig;
  readonly system: System;
  readonly notices: Notices;
  readonly timeline: Timeline;
  readonly alertTable = new AlertTable();
  /** Where alerts are posted, where the configuration names an address. */
  readonly webhook: Webhook | undefined;
  readonly destinations: Destinations;
  readonly brain: Brain;
  readonly port: RuntimePort;
  readonly memory = new Map<string, (bytes: number) => PoolBuffer>();
  readonly probes = new Map<string, ProbeOffer>();
  readonly production = new ProductionWatch();
  readonly #storeOwner: StoreOwner;
  readonly #telemetry: Telemetry;
  readonly #stopObserving: () => void;
  #root: SupervisorRef | undefined;
  #hosted: SupervisorRef | undefined;
  /** Why the root does not run, where it does not. */
  #rootFailure: string | undefined;
  #stopping: Promise<void> | undefined;
  #stopped = false;

  constructor(config: RuntimeConfig) {
    this.config = config;
    const clock = config.clock ?? systemClock;
    const nowMs = (): number => clock.now();
    this.timeline = new Timeline(() => Math.round(nowMs() * 1000));
    this.timeline.add('runtime_started', `pools ${config.pools.map((pool) => pool.name).join(', ')}`);
    const instance = instanceId(nowMs(), config.random);
    const webhook = config.alerts.webhook;
    this.webhook =
      webhook && new Webhook({ config: webhook, logger: config.logger, clock, random: config.random, instance });
    this.#telemetry = createTelemetry({
      ...providersOf(config),
      pools: config.pools.map((pool) => pool.name),
      logger: config.logger,
    });
    this.notices = new Notices(config.logger, this.timeline, (news, alert) => {
      this.#telemetry.alert(news, alert);
      this.webhook?.tell(news, alert);
    });
    const contextCarrier = createContextCarrier();
    this.system = startSystem({
      name: 'pitwall_system',
      clock,
      onReport: (report) => {
        this.notices.report(report);
        this.#telemetry.report(report);
      },
      onDeadLetter: (letter) => {
        // Who stops leaves letters behind.
        if (!this.stopping) this.notices.deadLetter(letter);
      },
      onExit: (ref, reason) => this.#onExit(ref, reason),
      ...(contextCarrier && { contextCarrier }),
    });
    this.destinations = new Destinations(this.system);
    this.notices.connect(this.destinations);
    this.brain = new Brain({
      config,
      notices: this.notices,
      destinations: this.destinations,
      spans: this.#telemetry.spans,
      nowMs,
      elapsedMs: () => performance.now(),
      instance,
      onModeChanged: (mode) => this.timeline.add('mode_changed', `decisions are ${mode}`),
    });
    this.#storeOwner = new StoreOwner(config, () => Math.round(nowMs() * 1000));
    this.port = createPort(this);
    this.#stopObserving = this.#telemetry.observe(telemetrySource(this));
  }

  /** Starts both trees. A root that cannot start leaves a degraded engine, not an error. */
  async start(tree: (args: TreeArgs) => readonly ChildSpecInput[]): Promise<void> {
    const { config, system, brain, destinations, notices } = this;
    const hosted = await startSupervisor(system, HOSTED, [], { name: HOSTED_NAME, register: HOSTED_NAME });
    if (hosted.type === 'ok') this.#hosted = hosted.ref;
    const { timeline } = this;
    const machine = new MachineHistory();
    const args = treeArgs({
      config,
      system,
      brain,
      destinations,
      notices,
      timeline,
      machine,
      machineWatch: new MachineWatch({ config, board: brain.board, notices, timeline, machine }),
      storeOwner: this.#storeOwner,
      alertTable: this.alertTable,
      probes: this.probes,
      nowMs: () => this.system.clock.now(),
      onRecords: (records) => {
        this.#telemetry.recordBatch(records);
        this.production.observed(records);
      },
    });
    const root = await startSupervisor(system, ROOT, tree(args), { name: ROOT_NAME, register: ROOT_NAME });
    if (root.type === 'ok') this.#root = root.ref;
    else this.#degraded(root.type === 'error' ? describeReason(root.reason) : 'the root ignored its start');
  }

  /** Where hosted children attach; undefined once their supervisor is gone. */
  get hosted(): SupervisorRef | undefined {
    return this.#hosted?.alive ? this.#hosted : undefined;
  }

  get stopping(): boolean {
    return this.#stopping !== undefined;
  }

  status(): { state: 'running' | 'degraded' | 'stopped'; reasons: readonly string[] } {
    if (this.#stopped) return { state: 'stopped', reasons: [] };
    const reasons = this.conditions().map(({ reason }) => reason);
    return { state: reasons.length > 0 ? 'degraded' : 'running', reasons };
  }

  /** What is not as it should be. */
  conditions(): Condition[] {
    return conditionsOf({
      rootFailure: this.#rootFailure,
      controllerRuns: this.destinations.controller.whereis() !== undefined,
      store: this.#storeOwner.status,
      mode: this.brain.mode,
      pools: this.brain.board.slots(),
    });
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** What is stored, to read from; undefined while the store is down. */
  get store(): MetricsStore | undefined {
    return this.#storeOwner.store;
  }

  /** Bytes of the store's file; undefined where nothing is kept on disk. */
  get storeSize(): number | undefined {
    return this.#storeOwner.fileSize;
  }

  /** Both trees below one node, which stands for the system. */
  tree(): ProcessTree {
    const tops = [this.#root, this.#hosted].filter((ref) => ref !== undefined);
    return { ...inspect(this.system.ref), type: 'supervisor', children: tops.map((ref) => inspect(ref)) };
  }

  /** Hands everything that waits to the store and makes it durable. */
  async flush(): Promise<number> {
    // Hands on what is recorded first: what learners then persist holds it, and the store's flush comes after both.
    const outcome = await call(this.destinations.recorder, { type: 'flush' }, { timeoutMs: FLUSH_TIMEOUT_MS });
    for (const slot of this.brain.board.slots()) {
      const manager = this.destinations.thresholdManager(slot.pool);
      if (manager.whereis()) await settled(call(manager, { type: 'persist_now' }));
    }
    const { analyzer } = this.destinations;
    if (analyzer.whereis()) await settled(call(analyzer, { type: 'persist_analysis' }));
    const { adviser } = this.destinations;
    if (adviser.whereis()) await settled(call(adviser, { type: 'persist_alerts' }));
    const { experimenter } = this.destinations;
    if (experimenter.whereis()) await settled(call(experimenter, { type: 'persist_experiments' }));
    const { metricsStore } = this.destinations;
    if (metricsStore.whereis()) await settled(call(metricsStore, { type: 'flush' }, { timeoutMs: FLUSH_TIMEOUT_MS }));
    return outcome.pending;
  }

  shutdown(options: { readonly timeoutMs?: number; readonly signal?: AbortSignal }): Promise<void> {
    this.#stopping ??= this.#shutDown(options.timeoutMs ?? this.config.shutdownTimeoutMs, options.signal);
    return this.#stopping;
  }

  async #shutDown(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    const kill = (): void => {
      for (const ref of [this.#hosted, this.#root]) {
        if (ref) void shutDown(this.system, ref, { reason: 'kill', timeoutMs: 0 });
      }
    };
    if (signal?.aborted) kill();
    signal?.addEventListener('abort', kill, { once: true });
    try {
      const half = timeoutMs / 2;
      if (this.#hosted) await shutDown(this.system, this.#hosted, { timeoutMs: half });
      if (this.#root?.alive) {
        await settled(this.flush());
        // The last reading is of a runtime that runs.
        this.#stopObserving();
        await shutDown(this.system, this.#root, { timeoutMs: half });
      }
      await this.webhook?.close(Math.min(WEBHOOK_CLOSE_MS, timeoutMs / 10));
      await stopSystem(this.system, { timeoutMs: 0 });
      await this.#storeOwner.close();
    } finally {
      signal?.removeEventListener('abort', kill);
      this.#telemetry.flush();
      this.#stopObserving();
      this.#stopped = true;
      this.notices.emit({ type: 'status_changed', state: 'stopped', reasons: [] });
    }
  }

  #onExit(ref: ProcessRef, reason: unknown): void {
    if (this.stopping) return;
    if (ref.name === ROOT_NAME) this.#degraded(describeReason(reason));
    else if (ref.name === HOSTED_NAME) this.#hosted = undefined;
  }

  #degraded(why: string): void {
    this.#rootFailure = why;
    this.config.logger.error(`pitwall's supervision tree is down (${why}): every decision is gRPC from now on`);
    const { state, reasons } = this.status();
    this.notices.emit({ type: 'status_changed', state, reasons });
  }
}

/** Configuration keeps providers opaque; here is where their types are known. */
function providersOf({ telemetry }: RuntimeConfig): Partial<TelemetrySettings> {
  const { tracerProvider, meterProvider, loggerProvider, maxAttributeValues } = telemetry;
  return {
    tracerProvider: isTracerProvider(tracerProvider) ? tracerProvider : undefined,
    meterProvider: isMeterProvider(meterProvider) ? meterProvider : undefined,
    loggerProvider: isLoggerProvider(loggerProvider) ? loggerProvider : undefined,
    maxAttributeValues,
  };
}

function isTracerProvider(value: object | undefined): value is TracerProvider {
  return value !== undefined && 'getTracer' in value;
}

function isLoggerProvider(value: object | undefined): value is LoggerProvider {
  return value !== undefined && 'getLogger' in value;
}

function isMeterProvider(value: object | undefined): value is MeterProvider {
  return value !== undefined && 'getMeter' in value;
}

const FLUSH_TIMEOUT_MS = 60_000;
/** What waits is sent once more before the end; a receiver that is down does not hold it up. */
const WEBHOOK_CLOSE_MS = 1_000;

/** @param tree what stands below the root; the runtime's own by default */
export async function startEngine(
  config: RuntimeConfig,
  tree: (args: TreeArgs) => readonly ChildSpecInput[] = pitwallTree,
): Promise<Engine> {
  const engine = new Engine(config);
  await engine.start(tree);
  return engine;
}

/** Waits for the end of something whose failure is known elsewhere, or does not matter any more. */
async function settled(promise: Promise<unknown>): Promise<void> {
  try {
    await promise;
  } catch {
    // A part that is down cannot be flushed; the rest can.
  }
}

const INSTANCE_RANGE = 36 ** 4;

/** Short, and different between runtimes that share a store: the start in base 36, and four random digits. */
function instanceId(nowMs: number, random: () => number): string {
  const tail = Math.floor(random() * INSTANCE_RANGE)
    .toString(36)
    .padStart(4, '0');
  return `${Math.floor(nowMs).toString(36)}${tail}`;
}
