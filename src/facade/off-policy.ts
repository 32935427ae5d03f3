/** What stored transfers say of another policy. */
import { parsePolicyPatch } from '../config/parse.ts';
import { mbToBytes } from '../config/units.ts';
import { NOTHING_KNOWN } from '../decision/resources.ts';
import type { Method, PoolSnapshot, ResourceSnapshot } from '../decision/types.ts';
import { decideWhatIf, warmthOf } from '../decision/what-if.ts';
import { InvalidArgumentError } from '../errors.ts';
import { toPolicySnapshot } from '../hot-path/policy-snapshot.ts';
import type { Features } from '../learning/types.ts';
import {
  type LoggedChoice,
  type OffPolicyOptions,
  type OffPolicyValue,
  offPolicySteps,
} from '../metrics/analysis/experiment/off-policy.ts';
import { toObservation } from '../metrics/observation.ts';
import type { TransferRecord } from '../metrics/record.ts';
import type { PoolSlot } from '../snapshots.ts';
import type { VariantOptions } from './experiment-options.ts';

export interface OffPolicyQuery {
  /** The latest transfers of the pool, 1 .. 20 000. Default 10 000. */
  readonly last?: number | undefined;
}

export interface OffPolicyReport {
  readonly pool: string;
  /** Successful transfers that were looked at. */
  readonly rows: number;
  /** Share of them that the other policy would have sent by the other lane. */
  readonly changedShare: number;
  /** Microseconds: the mean latency, where large transfers count. */
  readonly meanLatencyUs: OffPolicyValue;
  /** Natural logarithm of microseconds: `Math.exp(value)` is the geometric mean, `Math.expm1(change.value)` its relative change. */
  readonly logLatency: OffPolicyValue;
  /** Why the figures may be worth less than they look; empty where nothing is known against them. */
  readonly warnings: readonly string[];
}

/** Rows that are decided anew at a time. */
const SLICE = 500;

export async function offPolicyReport(
  records: readonly TransferRecord[],
  slot: PoolSlot,
  policy: Omit<VariantOptions, 'share'>,
  random: () => number,
): Promise<OffPolicyReport> {
  const choose = chooserOf(slot, policy);
  const means: LoggedChoice[] = [];
  const logs: LoggedChoice[] = [];
  let changed = 0;
  for (const [index, record] of records.entries()) {
    if (index % SLICE === SLICE - 1) await turn();
    const features = toObservation(record);
    // The second leg of a transfer was not chosen, and a failure has no latency.
    if (features === undefined || record.fallback || !(record.propensity > 0)) continue;
    const targetProbability = FORCED.has(record.reason) ? 1 : choose(record, features);
    const estimates = estimatesOf(slot, record.method, features, targetProbability);
    const { latencyUs, propensity } = record;
    if (targetProbability < 0.5) changed += 1;
    means.push({ cost: latencyUs, propensity, targetProbability, ...estimates.mean });
    logs.push({ cost: Math.log(latencyUs), propensity, targetProbability, ...estimates.log });
  }
  const meanLatencyUs = await inSlices(means, { random });
  return {
    pool: slot.pool,
    rows: means.length,
    changedShare: means.length > 0 ? changed / means.length : 0,
    meanLatencyUs,
    logLatency: await inSlices(logs, { random }),
    warnings: warningsOf(meanLatencyUs),
  };
}

/** gRPC (or in place) under any policy. */
const FORCED: ReadonlySet<string> = new Set(['zero_copy_unavailable', 'circuit_open', 'shared_memory_exhausted']);

/** Probability with which the other policy takes the lane that was taken. */
type Chooser = (record: TransferRecord, features: Features) => number;

function chooserOf(slot: PoolSlot, policy: unknown): Chooser {
  if (typeof policy !== 'object' || policy === null) throw new InvalidArgumentError('policy', policy, 'an object');
  const { lane, thresholdMb, policy: patch }: { [Key in keyof VariantOptions]: unknown } = policy;
  if ([lane, thresholdMb, patch].filter((each) => each !== undefined).length !== 1) {
    throw new InvalidArgumentError('policy', policy, 'one of lane, thresholdMb and policy');
  }
  if (lane !== undefined) {
    if (lane !== 'grpc' && lane !== 'zero_copy') {
      throw new InvalidArgumentError('policy.lane', lane, "'zero_copy' or 'grpc'");
    }
    return ({ method }) => (method === lane ? 1 : 0);
  }
  if (thresholdMb !== undefined) {
    if (typeof thresholdMb !== 'number' || !(thresholdMb > 0)) {
      throw new InvalidArgumentError('policy.thresholdMb', thresholdMb, 'a number > 0');
    }
    const from = mbToBytes(thresholdMb);
    return ({ method, dataSize }) => ((dataSize >= from ? 'zero_copy' : 'grpc') === method ? 1 : 0);
  }
  const config = parsePolicyPatch(patch, slot.config);
  const own = toPolicySnapshot(config, slot.policy.version, config.customRules);
  const target: PoolSnapshot = {
    ...slot,
    policy: own,
    limits: config.limits,
    experiment: undefined,
    breaker: 'closed',
  };
  return (record, features) => decidedAnew(target, record, features);
}

function decidedAnew(target: PoolSnapshot, record: TransferRecord, features: Features): number {
  const atMs = record.timestampUs / 1000;
  const { systemLoad, availableMemory } = record;
  const resources: ResourceSnapshot = { ...NOTHING_KNOWN, atMs, systemLoad, availableMemory };
  const there = { warmth: warmthOf(features.warm), resources, inFlight: record.inFlight };
  const { dataSize, dataType, format, compression } = record;
  const { method, propensity } = decideWhatIf(target, { dataSize, dataType, format, compression }, there);
  return method === record.method ? propensity : 1 - propensity;
}

interface Estimates {
  readonly estimatedCost: number;
  readonly estimatedTargetCost: number;
}

/** What the cost model says now, of the lane that was taken and of the other policy's. */
function estimatesOf(
  slot: PoolSlot,
  method: Method,
  features: Features,
  targetProbability: number,
): { readonly mean: Estimates | undefined; readonly log: Estimates | undefined } {
  const { costModel } = slot;
  if (costModel === undefined) return { mean: undefined, log: undefined };
  const taken = costModel.estimate(method, features);
  const other = costModel.estimate(method === 'grpc' ? 'zero_copy' : 'grpc', features);
  const mixed = (own: number, others: number): Estimates => ({
    estimatedCost: own,
    estimatedTargetCost: targetProbability * own + (1 - targetProbability) * others,
  });
  return {
    mean: mixed(taken.meanLatencyUs, other.meanLatencyUs),
    log: mixed(Math.log(taken.latencyUs), Math.log(other.latencyUs)),
  };
}

async function inSlices(rows: readonly LoggedChoice[], options: OffPolicyOptions): Promise<OffPolicyValue> {
  const steps = offPolicySteps(rows, options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await turn();
  }
}

/** The event loop's turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

const LITTLE_SUPPORT = 0.01;
const FEW_ROWS = 100;

function warningsOf({ unsupportedShare, effectiveRows, meanWeight }: OffPolicyValue): string[] {
  const warnings: string[] = [];
  if (unsupportedShare > LITTLE_SUPPORT) {
    warnings.push(
      `${(unsupportedShare * 100).toFixed(0)} % of the other policy's choices could not have been made (the lane was forced): ips and selfNormalized leave them out, doublyRobust takes the cost model's word for them`,
    );
  }
  if (effectiveRows < FEW_ROWS) {
    warnings.push(`worth ${effectiveRows.toFixed(0)} rows of equal weight: the intervals are too hopeful`);
  }
  if (unsupportedShare <= LITTLE_SUPPORT && Math.abs(meanWeight - 1) > 0.25) {
    warnings.push(
      `the mean weight is ${meanWeight.toFixed(2)} and not near 1: ips is off by about as much; the other two make up for it`,
    );
  }
  return warnings;
}
