/**
 * All that decides, put together and not yet running: snapshots, hot path, queue. `runtime.ts` starts the actors around it.
 */

import type { Destinations } from '../actors/destinations.ts';
import { defaultPoolConfig } from '../config/pools.ts';
import type { Goal, RuntimeConfig } from '../config/types.ts';
import type { BreakerState, PoolSnapshot } from '../decision/types.ts';
import { Admission } from '../hot-path/admission.ts';
import { DEFAULT_BREAKER } from '../hot-path/breaker.ts';
import { BreakerBoard } from '../hot-path/breakers.ts';
import { RefusalCounters } from '../hot-path/counters.ts';
import { Decider } from '../hot-path/decider.ts';
import { Transfers } from '../hot-path/transfer.ts';
import { RecordQueue } from '../metrics/record-queue.ts';
import { cast } from '../otp/index.ts';
import { SnapshotBoard } from '../snapshots.ts';
import type { TransferSpans } from '../telemetry/spans.ts';
import type { Notices } from './notices.ts';
import { PoolFactory } from './pools.ts';
import { RuleMetrics } from './rule-metrics.ts';

/** What `getStatistics` says of a pool: counts since the runtime started. Ranges of time are the analyzer's. */
export interface PoolStatistics {
  readonly pool: string;
  readonly decisions: number;
  readonly zeroCopyCount: number;
  readonly grpcCount: number;
  readonly explored: number;
  readonly fallbacks: number;
  readonly failures: number;
  readonly inFlight: number;
  readonly byReason: Readonly<Record<string, number>>;
  readonly goal: Goal;
  readonly policyVersion: number;
  readonly breaker: BreakerState;
  readonly mode: PoolSnapshot['mode'];
}

export interface BrainOptions {
  readonly config: RuntimeConfig;
  readonly notices: Notices;
  readonly destinations: Destinations;
  readonly spans: TransferSpans;
  readonly nowMs: () => number;
  /** Monotonic, milliseconds with fractions. */
  readonly elapsedMs: () => number;
  readonly instance: string;
  readonly onModeChanged: (mode: PoolSnapshot['mode']) => void;
}

export class Brain {
  readonly board = new SnapshotBoard();
  readonly refusals = new RefusalCounters();
  readonly queue: RecordQueue;
  readonly factory: PoolFactory;
  readonly admission: Admission;
  readonly breakers: BreakerBoard;
  readonly decider: Decider;
  readonly transfers: Transfers;
  readonly ruleMetrics: RuleMetrics;
  readonly #onModeChanged: BrainOptions['onModeChanged'];
  #mode: PoolSnapshot['mode'];

  constructor(options: BrainOptions) {
    const { config, notices, destinations, nowMs, elapsedMs } = options;
    this.#onModeChanged = options.onModeChanged;
    this.#mode = config.enabled ? 'enabled' : 'disabled';
    this.queue = new RecordQueue(config.queueCapacity);
    this.queue.onWake = () => void cast(destinations.recorder, { type: 'records_wait' });
    this.factory = new PoolFactory({
      elapsedMs,
      mode: () => this.#mode,
      onRuleDisabled: (pool, problem) => {
        notices.raise({
          key: `custom_rule_disabled:${pool}:${problem.rule}`,
          kind: 'custom_rule_disabled',
          severity: 'warning',
          pool,
          message: `pool ${pool}: custom rule "${problem.rule}" ${problem.problem} (${problem.detail}) and is disabled. Mend it and set the rules anew with updatePolicy, or try it again with policies.enableRule.`,
          comparison: { rule: problem.rule, problem: problem.problem, detail: problem.detail },
          likelyCause: `the rule ${problem.problem}: ${problem.detail}`,
          lookAt:
            "the rule's own code, with the request of a recent decision (runtime.explain); decisions go on without it",
        });
        const why = `custom rule "${problem.rule}" ${problem.problem}: ${problem.detail}`;
        cast(destinations.controller, { type: 'rule_disabled', pool, why });
      },
      onRuleEnabled: (pool, rule) => notices.resolve(`custom_rule_disabled:${pool}:${rule}`),
    });
    this.admission = new Admission({
      board: this.board,
      refusals: this.refusals,
      maxPools: config.maxPools,
      defaultsFor: (name) => defaultPoolConfig(config, name),
      newSlot: (pool) => this.factory.newSlot(pool),
      onCreated: (pool) => void cast(destinations.controller, { type: 'pool_created', pool }),
    });
    this.breakers = new BreakerBoard(breakerAlerts(notices));
    this.decider = new Decider({
      board: this.board,
      admission: this.admission,
      breakers: this.breakers,
      refusals: this.refusals,
      queue: this.queue,
      nowMs,
      elapsedMs,
      random: config.random,
      instance: options.instance,
      controllerAlive: () => destinations.controller.whereis()?.alive === true,
      onFailure: (error) => {
        config.logger.error('a decision failed and was answered with gRPC', { error: String(error) });
      },
    });
    this.transfers = new Transfers({
      decider: this.decider,
      admission: this.admission,
      breakers: this.breakers,
      spans: options.spans,
      nowMs,
      elapsedMs,
    });
    this.ruleMetrics = new RuleMetrics(this.board);
    for (const pool of config.pools) this.admission.configure(pool);
  }

  get mode(): PoolSnapshot['mode'] {
    return this.#mode;
  }

  /** A pool's counts since the runtime started; undefined for a pool that is unknown. */
  statistics(pool: string): PoolStatistics | undefined {
    const admitted = this.admission.find(pool);
    if (!admitted) return undefined;
    const { counters, slot } = admitted;
    return {
      pool,
      decisions: counters.decisions,
      zeroCopyCount: counters.zeroCopy,
      grpcCount: counters.grpc,
      explored: counters.explored,
      fallbacks: counters.fallbacks,
      failures: counters.failures,
      inFlight: slot.inFlight,
      byReason: counters.byReason(),
      goal: slot.policy.goal,
      policyVersion: slot.policy.version,
      breaker: slot.breaker,
      mode: slot.mode,
    };
  }

  /** The kill switch: takes effect with the next decision, in every pool, whatever the actors do. */
  setMode(mode: PoolSnapshot['mode']): void {
    if (mode !== this.#mode) this.#onModeChanged(mode);
    this.#mode = mode;
    for (const slot of this.board.slots()) slot.mode = mode;
  }
}

function breakerAlerts(notices: Notices): ConstructorParameters<typeof BreakerBoard>[0] {
  const key = (pool: string): string => `zero_copy_circuit_open:${pool}`;
  return {
    onOpened: (pool) =>
      notices.raise({
        key: key(pool),
        kind: 'zero_copy_circuit_open',
        severity: 'warning',
        pool,
        message: `pool ${pool}: zero-copy failed several times in a row and is closed for a while; gRPC carries everything. Look at the error codes of its failed records.`,
        comparison: { failuresInARow: DEFAULT_BREAKER.failures, closedForMs: DEFAULT_BREAKER.openMs },
        likelyCause: 'workers that die or have lost their mapping, or shared memory that cannot be had',
        lookAt:
          'the error codes of failed records (pitwall stats), workers.status(), runtime.status; it is tried again by itself',
      }),
    onClosed: (pool) => notices.resolve(key(pool)),
  };
}
