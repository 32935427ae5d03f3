/**
 * The whole loop of one transfer: decide, move, measure, record; a zero-copy failure falls back to gRPC for this transfer, is recorded,
 * and counts against zero-copy in the pool.
 */
import type { Decision } from '../decision/decision.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { Outcome } from '../metrics/record.ts';
import type { PoolSlot } from '../snapshots.ts';
import type { TransferSpans } from '../telemetry/spans.ts';
import type { TransferCost } from '../transports/types.ts';
import type { Admission, AdmittedPool } from './admission.ts';
import type { BreakerBoard } from './breakers.ts';
import { CpuMeter } from './cpu-meter.ts';
import type { Decider } from './decider.ts';
import { errorCodeOf, isFinal, isLaneFault, type Lane, type Lanes, problemOfLanes } from './lanes.ts';

export interface TransferOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface TransfersOptions {
  readonly decider: Decider;
  readonly admission: Admission;
  readonly breakers: BreakerBoard;
  readonly spans: TransferSpans;
  readonly nowMs: () => number;
  readonly elapsedMs: () => number;
}

export class Transfers {
  readonly #options: TransfersOptions;
  readonly #cpu = new CpuMeter();

  constructor(options: TransfersOptions) {
    this.#options = options;
  }

  /**
   * Moves `data` by the better of two lanes. Resolves with what the lane resolved with; rejects with what gRPC rejected with, or with
   * what zero-copy rejected with where a second try is not allowed (`retryable: false`, or the caller gave up).
   */
  run<D, T>(request: unknown, data: D, lanes: Lanes<D, T>, options: TransferOptions = {}): Promise<T> {
    const problem = problemOf(lanes, options);
    if (problem !== undefined) return Promise.reject(problem);
    return this.#options.spans.transfer(() => this.#run(request, data, lanes, options));
  }

  async #run<D, T>(request: unknown, data: D, lanes: Lanes<D, T>, options: TransferOptions): Promise<T> {
    options.signal?.throwIfAborted();
    const { decider, admission, spans } = this.#options;
    const decision = spans.decide(() => decider.decide(request));
    const admitted = decision.pool === undefined ? undefined : admission.find(decision.pool);
    if (admitted) admitted.slot.inFlight += 1;
    try {
      if (decision.method === 'grpc')
        return await this.#leg(decision, 'grpc', data, lanes.grpc, admitted, false, options);
      try {
        return await this.#leg(decision, 'zero_copy', data, lanes.zeroCopy, admitted, false, options);
      } catch (error) {
        if (isFinal(error, options.signal)) throw error;
        if (admitted) admitted.counters.fallbacks += 1;
        return await this.#leg(decision, 'grpc', data, lanes.grpc, admitted, true, options);
      }
    } finally {
      if (admitted) admitted.slot.inFlight -= 1;
    }
  }

  async #leg<D, T>(
    decision: Decision,
    method: 'zero_copy' | 'grpc',
    data: D,
    lane: Lane<D, T>,
    admitted: AdmittedPool | undefined,
    failedOver: boolean,
    options: TransferOptions,
  ): Promise<T> {
    const { elapsedMs, spans, nowMs, breakers } = this.#options;
    const measured = new MeasuredCost();
    const zeroCopySlot = method === 'zero_copy' ? admitted?.slot : undefined;
    if (zeroCopySlot) breakers.started(zeroCopySlot, nowMs());
    const cpu = this.#cpu.start();
    const startedMs = elapsedMs();
    try {
      const value = await spans.execute(decision, failedOver, async () =>
        lane(data, {
          decision,
          signal: options.signal,
          report: (cost) => measured.add(cost),
          ignore: () => measured.ignore(),
        }),
      );
      const latencyUs = (elapsedMs() - startedMs) * 1000;
      measured.addUnlessKnown('cpuTimeUs', cpu.stop());
      if (zeroCopySlot) breakers.succeeded(zeroCopySlot);
      this.#record(decision, method, measured.outcome, latencyUs, measured, undefined, failedOver, true);
      return value;
    } catch (error) {
      const latencyUs = (elapsedMs() - startedMs) * 1000;
      cpu.stop();
      const laneFault = isLaneFault(error, options.signal);
      if (laneFault) this.#countFault(admitted, zeroCopySlot);
      const last = method === 'grpc' || isFinal(error, options.signal);
      this.#record(decision, method, laneFault ? 'failed' : 'ignored', latencyUs, measured, error, failedOver, last);
      throw error;
    }
  }

  #countFault(admitted: AdmittedPool | undefined, zeroCopySlot: PoolSlot | undefined): void {
    if (admitted) admitted.counters.failures += 1;
    if (zeroCopySlot) this.#options.breakers.failed(zeroCopySlot, this.#options.nowMs());
  }

  #record(
    decision: Decision,
    method: 'zero_copy' | 'grpc',
    outcome: Outcome,
    latencyUs: number,
    measured: MeasuredCost,
    error: unknown,
    failedOver: boolean,
    last: boolean,
  ): void {
    const metrics = { ...measured.cost, latencyUs, outcome, method, errorCode: errorCodeOf(error) };
    this.#options.decider.recordLeg(decision, metrics, { failedOver, last });
  }
}

function problemOf(lanes: unknown, options: unknown): InvalidArgumentError | undefined {
  if (typeof options !== 'object' || options === null) return new InvalidArgumentError('options', options, 'an object');
  const { signal }: { signal?: unknown } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    return new InvalidArgumentError('options.signal', signal, 'an AbortSignal');
  }
  return problemOfLanes(lanes);
}

/** What a lane reported of its cost, gathered. */
class MeasuredCost {
  cost: Partial<TransferCost> = {};
  /** What a leg that went well counts as. */
  outcome: Outcome = 'success';

  ignore(): void {
    this.outcome = 'ignored';
  }

  add(cost: Partial<TransferCost>): void {
    this.cost = { ...this.cost, ...cost };
  }

  addUnlessKnown(part: keyof TransferCost, value: number | undefined): void {
    if (this.cost[part] === undefined && value !== undefined) this.cost = { ...this.cost, [part]: value };
  }
}
