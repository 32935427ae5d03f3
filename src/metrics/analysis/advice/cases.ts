/** Recorded transfers as cases for "what if": what each lane is expected to cost, and which lane a policy would take. Pure. */
import { compareBy, isSane } from '../../../decision/estimate.ts';
import { comparedBy } from '../../../decision/objective.ts';
import { NOTHING_KNOWN } from '../../../decision/resources.ts';
import type { Method, PoolSnapshot, ResourceSnapshot } from '../../../decision/types.ts';
import { decideWhatIf, warmthOf, withoutDraws } from '../../../decision/what-if.ts';
import { normalCdf } from '../../../learning/exploration.ts';
import type { CostModelSnapshot, Observation } from '../../../learning/types.ts';
import type { Gain } from './types.ts';

/** One recorded transfer, with what each lane is expected to cost. */
export interface Case {
  readonly observation: Observation;
  readonly grpcUs: number;
  readonly zeroCopyUs: number;
  /** Standard error of the logarithm of their ratio. */
  readonly standardError: number;
  /** Records that the lane known less rests on, weighted by recency. */
  readonly samples: number;
  readonly explored: boolean;
}

/** How many of a pool's cases are looked at between two turns of the event loop. */
export const STRIDE = 32;

const Z95 = 1.959964;

/** @returns undefined where the model says nothing that makes sense */
export function caseOf(
  pool: PoolSnapshot,
  model: CostModelSnapshot,
  observation: Observation,
  explored: boolean,
): Case | undefined {
  const comparison = compareBy(model, observation);
  if (!isSane(comparison)) return undefined;
  const { grpc, zeroCopy, logRatioStandardError } = comparison;
  const mean = comparedBy(pool.policy.goal) === 'mean';
  return {
    observation,
    grpcUs: mean ? grpc.meanLatencyUs : grpc.latencyUs,
    zeroCopyUs: mean ? zeroCopy.meanLatencyUs : zeroCopy.latencyUs,
    standardError: logRatioStandardError,
    samples: Math.min(grpc.effectiveSamples, zeroCopy.effectiveSamples),
    explored,
  };
}

/**
 * The pool as it would decide alone: nothing drawn, no rules of the host's (they are its own code, and are not run for a what-if), every lane open.
 */
export function settledPool(pool: PoolSnapshot): PoolSnapshot {
  const settled = withoutDraws(pool);
  return { ...settled, policy: { ...settled.policy, rules: [] }, breaker: 'closed' };
}

/** The lane that a policy takes, on the machine as it was. */
export function laneUnder(pool: PoolSnapshot, { observation }: Case): Method {
  const { warm, systemLoad, availableMemory, inFlight, atMs } = observation;
  const resources: ResourceSnapshot = { ...NOTHING_KNOWN, atMs, systemLoad, availableMemory };
  const open = {
    ...pool,
    transport: pool.transport && { ...pool.transport, zeroCopyReady: true, roomBytes: Number.MAX_SAFE_INTEGER },
  };
  return decideWhatIf(open, observation, { warmth: warmthOf(warm), resources, inFlight }).method;
}

export function costOf({ grpcUs, zeroCopyUs }: Case, lane: Method): number {
  return lane === 'grpc' ? grpcUs : zeroCopyUs;
}

/** Sums what taking other lanes would change. Doubts are taken to be shared by all cases: the widest interval there can be. */
export class GainSum {
  readonly #typical: boolean;
  #total = 0;
  #value = 0;
  #low = 0;
  #high = 0;
  /** Cases whose lane changes, and the least evidence among them. */
  changed = 0;
  samples = Number.POSITIVE_INFINITY;

  /** @param statistic of the goal: every transfer counts the same (`median`), or its time counts */
  constructor(statistic: 'median' | 'mean') {
    this.#typical = statistic === 'median';
  }

  add(each: Case, from: Method, to: Method): void {
    const cost = costOf(each, from);
    const weight = this.#typical ? 1 : cost;
    this.#total += weight;
    if (from === to) return;
    this.changed += 1;
    this.samples = Math.min(this.samples, each.samples);
    // Natural log of the present cost over the other's.
    const log = Math.log(cost / costOf(each, to));
    const reach = Z95 * each.standardError;
    this.#value += this.#saved(log, weight);
    this.#low += this.#saved(log - reach, weight);
    this.#high += this.#saved(log + reach, weight);
  }

  gain(): Gain {
    const share = (sum: number): number => {
      const of = this.#total > 0 ? sum / this.#total : 0;
      return this.#typical ? 1 - Math.exp(-of) : of;
    };
    const unit = this.#typical ? 'share_of_typical_latency' : 'share_of_total_latency';
    return { value: share(this.#value), interval: [share(this.#low), share(this.#high)], unit };
  }

  #saved(log: number, weight: number): number {
    return this.#typical ? log : weight * (1 - Math.exp(-log));
  }
}

/** Evidence of this many records is as good as twice as much. */
const FEW = 10;

/** Probability that a gain is one: of a normal estimate with this interval, less where little was measured. */
export function confidenceIn({ value, interval: [low, high] }: Gain, samples: number): number {
  const standardError = (high - low) / (2 * Z95);
  const sure = standardError > 0 ? normalCdf(value / standardError) : value > 0 ? 1 : 0.5;
  return sure * (samples === Number.POSITIVE_INFINITY ? 1 : samples / (samples + FEW));
}
