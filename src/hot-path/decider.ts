/**
 * The synchronous half of the runtime: decides, remembers what it decided, and turns what comes back into records. It reads published
 * snapshots, asks no actor, awaits nothing and never throws.
 */

import { decide } from '../decision/decide.ts';
import { type Decision, fallbackDecision } from '../decision/decision.ts';
import { describeRequest } from '../decision/describe.ts';
import type { RecordQueue } from '../metrics/record-queue.ts';
import type { SnapshotBoard } from '../snapshots.ts';
import type { Admission, AdmittedPool } from './admission.ts';
import type { BreakerBoard } from './breakers.ts';
import { readMetrics, type TransferMetrics, toRecord } from './complete.ts';
import type { RefusalCounters } from './counters.ts';
import { Ledger } from './ledger.ts';

export interface DeciderOptions {
  readonly board: SnapshotBoard;
  readonly admission: Admission;
  readonly breakers: BreakerBoard;
  readonly refusals: RefusalCounters;
  readonly queue: RecordQueue;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** Monotonic, milliseconds with fractions. */
  readonly elapsedMs: () => number;
  readonly random: () => number;
  /** Differs between runtimes that share a store. */
  readonly instance: string;
  /** Whether the controller is there to stand behind decisions. */
  readonly controllerAlive: () => boolean;
  /** Told of an exception inside a decision, which was answered with gRPC. Must not throw. */
  readonly onFailure: (error: unknown) => void;
}

export class Decider {
  readonly #options: DeciderOptions;
  readonly #ledger: Ledger<Decision>;

  constructor(options: DeciderOptions) {
    this.#options = options;
    this.#ledger = new Ledger(options.instance);
  }

  /** Decides for any value at all; what is no request gets gRPC and says what was wrong. */
  decide(request: unknown): Decision {
    const { elapsedMs, refusals, admission } = this.#options;
    const startedMs = elapsedMs();
    const transferId = this.#ledger.nextId();
    let decision: Decision;
    let admitted: AdmittedPool | undefined;
    try {
      const described = describeRequest(request);
      if (described.ok) {
        admitted = admission.admit(described.request.pool);
        decision = this.#decideIn(admitted, described.request, transferId);
      } else {
        refusals.invalidRequests += 1;
        decision = fallbackDecision(transferId, 'invalid_request', described.problem);
      }
    } catch (error) {
      refusals.failedDecisions += 1;
      this.#options.onFailure(error);
      decision = fallbackDecision(transferId, 'decision_failed', error instanceof Error ? error.message : 'unknown');
    }
    admitted?.counters.count(decision.method, decision.reason, decision.explored);
    if (decision.fallback && admitted) admitted.counters.fallbacks += 1;
    if (!this.#ledger.enter(decision, (elapsedMs() - startedMs) * 1000)) refusals.unrecordedDecisions += 1;
    return decision;
  }

  /** Takes the result of a transfer that `decide` was asked for. Never throws; what it cannot take is counted. */
  record(transferId: string, metrics: unknown): void {
    const { refusals } = this.#options;
    try {
      const read = readMetrics(metrics);
      const decision = this.#ledger.close(transferId);
      if (decision) this.#push(decision, read, false);
      else refusals.unmatchedRecords += 1;
    } catch {
      refusals.invalidRecords += 1;
    }
  }

  /** Records one leg of a transfer that the runtime itself carried out; the last leg closes it. */
  recordLeg(decision: Decision, metrics: TransferMetrics, options: { failedOver: boolean; last: boolean }): void {
    // The ledger may have moved on while a long transfer ran; the decision itself is at hand.
    if (options.last) this.#ledger.close(decision.transferId);
    this.#push(decision, metrics, options.failedOver);
  }

  /** A recent decision, with its analysis and rationale. */
  find(transferId: string): Decision | undefined {
    return typeof transferId === 'string' ? this.#ledger.find(transferId) : undefined;
  }

  #decideIn(admitted: AdmittedPool, request: Parameters<typeof decide>[0], transferId: string): Decision {
    const { board, breakers, nowMs, random, controllerAlive } = this.#options;
    if (!controllerAlive()) return fallbackDecision(transferId, 'controller_unavailable', undefined, request);
    const { slot } = admitted;
    const atMs = nowMs();
    if (slot.breaker !== 'closed') slot.breaker = breakers.state(slot.pool, atMs);
    return decide(request, slot, board.resources, atMs, random, transferId);
  }

  #push(decision: Decision, metrics: TransferMetrics, failedOver: boolean): void {
    // A fallback without a pool (the request was none) has nothing to be recorded under.
    if (decision.pool === undefined) return;
    const timestampUs = Math.round(this.#options.nowMs() * 1000);
    const decisionTimeUs = this.#ledger.decisionTimeUs(decision.transferId);
    this.#options.queue.push(toRecord(decision, metrics, { timestampUs, decisionTimeUs, failedOver }));
  }
}
