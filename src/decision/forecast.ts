/**
 * What a pool's transfers would take and use at other sizes, rates and machine loads (L10): capacity planning from what was learned. Pure.
 *
 * Latency depends on how many transfers are in flight and on the machine's load, and these depend on latency: the forecast is the point where both
 * agree, found by iterating Little's law L = rate * time (J. D. C. Little, "A Proof for the Queuing Formula L = lambda W", 1961). What waits for a
 * worker is Erlang's C formula, corrected for how much service times vary by Allen and Cunneen's approximation for G/G/m
 * (A. O. Allen, "Probability, Statistics, and Queueing Theory", 1990, ch. 5).
 */
import { InvalidArgumentError } from '../errors.ts';
import type { CostModelSnapshot, Features } from '../learning/types.ts';
import { decide } from './decide.ts';
import { compareBy } from './estimate.ts';
import { COPIES, laneCosts } from './method-costs.ts';
import { NOTHING_KNOWN } from './resources.ts';
import type { PayloadKind } from './table.ts';
import type { Method, PoolSnapshot, ResourceSnapshot } from './types.ts';
import { NO_DRAW, supposedRequest, withoutDraws, withWarmth } from './what-if.ts';

/** Part of the traffic: payloads of one size and kind. */
export interface ForecastPayload extends PayloadKind {
  readonly dataSize: number;
  /** Its share of the transfers, in any unit. Default 1. */
  readonly share?: number | undefined;
}

export interface Workload {
  /** At least one, at most 1 000. */
  readonly payloads: readonly ForecastPayload[];
  /** Transfers that arrive in a second, on average, independently of each other. */
  readonly ratePerSecond: number;
  /** Workers of the pool. Default 1. */
  readonly workers?: number | undefined;
  /** Transfers that a worker takes at a time. Default 1. */
  readonly perWorker?: number | undefined;
  /** Busy share of the machine without this traffic, 0..1. Default 0. */
  readonly systemLoad?: number | undefined;
  /** Cores that the traffic's own cpu time is spread over; absent: it is not added to the load. */
  readonly cores?: number | undefined;
}

export interface Forecast {
  readonly payloads: readonly ForecastedPayload[];
  /** Busy share of the workers, 0..1; 1 where they cannot keep up. */
  readonly utilization: number;
  /** False where more arrives than the workers can take: waiting grows without end. */
  readonly sustainable: boolean;
  /** The rate at which the workers would be busy all the time, transfers a second. */
  readonly saturationRatePerSecond: number;
  /** Transfers on their way, on average, waiting ones not included. */
  readonly inFlight: number;
  /** Mean time of a transfer once it has a worker, and before that; Infinity where it is not sustainable. */
  readonly meanLatencyUs: number;
  readonly meanWaitUs: number;
  /** Cores that the transfers keep busy. */
  readonly cpuCores: number;
  /** The machine's load with this traffic, 0..1. */
  readonly systemLoad: number;
  /** Bytes held on average, by lane. */
  readonly memory: Readonly<Record<Method, number>>;
  readonly throughputMBps: number;
  /** The least that any of the estimates rests on: records, weighted by recency. Near 0 it is a guess from the prior. */
  readonly effectiveSamples: number;
}

export interface ForecastedPayload extends ForecastPayload {
  readonly method: Method;
  readonly medianUs: number;
  readonly meanUs: number;
  /** 90 % of transfers; undefined where nothing was learned yet. */
  readonly intervalUs: readonly [low: number, high: number] | undefined;
}

/**
 * @param learner what estimates come from: the pool's model, cost model, or the prior
 * @throws InvalidArgumentError naming the field
 */
export function forecast(pool: PoolSnapshot, learner: CostModelSnapshot, workload: Workload): Forecast {
  const load = readWorkload(workload);
  const servers = load.workers * load.perWorker;
  const settled = settle(pool, learner, load, load.ratePerSecond);
  const saturationRatePerSecond = saturation(pool, learner, load, servers);
  const offered = (load.ratePerSecond * settled.meanLatencyUs) / 1e6;
  const sustainable = offered < servers;
  const inFlight = Math.min(offered, servers);
  const carried = Math.min(load.ratePerSecond, saturationRatePerSecond);
  return {
    payloads: settled.payloads,
    utilization: inFlight / servers,
    sustainable,
    saturationRatePerSecond,
    inFlight,
    meanLatencyUs: settled.meanLatencyUs,
    meanWaitUs: sustainable ? waitUs(settled, load.ratePerSecond, servers) : Number.POSITIVE_INFINITY,
    cpuCores: (carried * settled.meanCpuUs) / 1e6,
    systemLoad: settled.systemLoad,
    memory: memoryOf(settled.payloads, inFlight),
    throughputMBps: (carried * settled.meanSize) / 1e6,
    effectiveSamples: settled.effectiveSamples,
  };
}

interface Load {
  readonly payloads: readonly (ForecastPayload & { readonly weight: number })[];
  readonly ratePerSecond: number;
  readonly workers: number;
  readonly perWorker: number;
  readonly systemLoad: number;
  readonly cores: number | undefined;
}

interface Settled {
  readonly payloads: readonly (ForecastedPayload & { readonly weight: number })[];
  readonly meanLatencyUs: number;
  /** Squared coefficient of variation of the time of a transfer. */
  readonly variation: number;
  readonly meanCpuUs: number;
  readonly meanSize: number;
  readonly systemLoad: number;
  readonly effectiveSamples: number;
}

const ROUNDS = 60;
/** Half of each step: the map from transfers in flight to latency and back can overshoot. */
const DAMPING = 0.5;
const CLOSE = 1e-3;

/** Latency, transfers in flight and load that agree with each other at a rate. */
function settle(pool: PoolSnapshot, learner: CostModelSnapshot, load: Load, ratePerSecond: number): Settled {
  const servers = load.workers * load.perWorker;
  let others = 0;
  let systemLoad = load.systemLoad;
  let settled = estimateAll(pool, learner, load, 1, systemLoad);
  for (let round = 0; round < ROUNDS; round += 1) {
    // Arrivals see what is there on average (Poisson arrivals see time averages), and themselves.
    const nextOthers = Math.min(servers - 1, (ratePerSecond * settled.meanLatencyUs) / 1e6);
    const ownLoad = load.cores === undefined ? 0 : (ratePerSecond * settled.meanCpuUs) / 1e6 / load.cores;
    const step = nextOthers - others;
    others += DAMPING * step;
    systemLoad += DAMPING * (Math.min(1, load.systemLoad + ownLoad) - systemLoad);
    settled = estimateAll(pool, learner, load, 1 + others, systemLoad);
    if (Math.abs(step) < CLOSE * (1 + others)) break;
  }
  return settled;
}

function estimateAll(
  pool: PoolSnapshot,
  learner: CostModelSnapshot,
  load: Load,
  inFlight: number,
  systemLoad: number,
): Settled {
  const total = load.payloads.reduce((sum, { weight }) => sum + weight, 0);
  const sums = { latencyUs: 0, squares: 0, cpuUs: 0, size: 0, samples: Number.POSITIVE_INFINITY };
  const payloads = load.payloads.map((payload) => {
    const { features, method } = decided(pool, payload, inFlight, systemLoad);
    const estimate = compareBy(learner, features)[method === 'grpc' ? 'grpc' : 'zeroCopy'];
    const { latencyUs: medianUs, meanLatencyUs: meanUs, intervalUs } = estimate;
    const share = payload.weight / total;
    sums.latencyUs += share * meanUs;
    // Log-normal: the mean over the median is exp(s^2 / 2), the second moment the mean squared times exp(s^2).
    sums.squares += share * meanUs ** 2 * (meanUs / medianUs) ** 2;
    sums.cpuUs += share * laneCosts(method, features, estimate, 'mean', 'cost_model').estimatedCpuUs;
    sums.size += share * payload.dataSize;
    sums.samples = Math.min(sums.samples, estimate.effectiveSamples);
    return { ...payload, method, medianUs, meanUs, intervalUs };
  });
  return {
    payloads,
    meanLatencyUs: sums.latencyUs,
    variation: sums.squares / sums.latencyUs ** 2 - 1,
    meanCpuUs: sums.cpuUs,
    meanSize: sums.size,
    systemLoad,
    effectiveSamples: sums.samples,
  };
}

function decided(
  pool: PoolSnapshot,
  payload: ForecastPayload,
  inFlight: number,
  systemLoad: number,
): { readonly features: Features; readonly method: Method } {
  const { dataSize, dataType, format, compression = false, warmth } = payload;
  const resources: ResourceSnapshot = { ...NOTHING_KNOWN, atMs: 0, systemLoad };
  const then = { ...withWarmth(withoutDraws(pool), warmth, resources), inFlight: inFlight - 1 };
  const { method } = decide(supposedRequest(pool.pool, payload), then, resources, 0, NO_DRAW, '');
  const warm = then.transport === undefined ? undefined : dataSize <= then.transport.warmBytes;
  const features = { dataSize, dataType, format, compression, warm, systemLoad, inFlight, hourOfDay: 0 };
  return { features: { ...features, availableMemory: undefined }, method };
}

/** The rate whose transfers, each as slow as a full pool makes it, keep every worker busy. */
function saturation(pool: PoolSnapshot, learner: CostModelSnapshot, load: Load, servers: number): number {
  let rate = (servers * 1e6) / settle(pool, learner, load, load.ratePerSecond).meanLatencyUs;
  for (let round = 0; round < 20; round += 1) {
    const next = (servers * 1e6) / settle(pool, learner, load, rate).meanLatencyUs;
    if (Math.abs(next - rate) < CLOSE * rate) break;
    rate = (rate + next) / 2;
  }
  return rate;
}

function waitUs({ meanLatencyUs, variation }: Settled, ratePerSecond: number, servers: number): number {
  const serviceRate = 1e6 / meanLatencyUs;
  const wait = erlangC(servers, ratePerSecond / serviceRate) / (servers * serviceRate - ratePerSecond);
  return wait * 1e6 * ((1 + variation) / 2);
}

/** Probability that an arrival has to wait, from Erlang's B by its recurrence, which does not overflow. */
function erlangC(servers: number, offered: number): number {
  let blocked = 1;
  for (let server = 1; server <= servers; server += 1) blocked = (offered * blocked) / (server + offered * blocked);
  const utilization = offered / servers;
  return blocked / (1 - utilization * (1 - blocked));
}

/** Bytes in flight: a transfer counts for as long as it takes. */
function memoryOf(payloads: Settled['payloads'], inFlight: number): Record<Method, number> {
  const busy = payloads.reduce((sum, { weight, meanUs }) => sum + weight * meanUs, 0);
  const memory = { zero_copy: 0, grpc: 0 };
  for (const { weight, meanUs, method, dataSize } of payloads) {
    memory[method] += inFlight * ((weight * meanUs) / busy) * dataSize * COPIES[method];
  }
  return memory;
}

const MAX_PAYLOADS = 1_000;
const MAX_SERVERS = 100_000;

function readWorkload(given: Workload): Load {
  if (typeof given !== 'object' || given === null) throw new InvalidArgumentError('workload', given, 'an object');
  const { payloads, ratePerSecond, workers = 1, perWorker = 1, systemLoad = 0, cores } = given;
  if (!Array.isArray(payloads) || payloads.length === 0 || payloads.length > MAX_PAYLOADS) {
    throw new InvalidArgumentError('workload.payloads', payloads, `a list of 1..${MAX_PAYLOADS} payloads`);
  }
  within('workload.ratePerSecond', ratePerSecond, Number.MIN_VALUE, 1e9);
  within('workload.workers', workers, 1, MAX_SERVERS, true);
  within('workload.perWorker', perWorker, 1, MAX_SERVERS / workers, true);
  within('workload.systemLoad', systemLoad, 0, 1);
  if (cores !== undefined) within('workload.cores', cores, Number.MIN_VALUE, 1e6);
  return { payloads: payloads.map(readPayload), ratePerSecond, workers, perWorker, systemLoad, cores };
}

function readPayload(payload: ForecastPayload, index: number): ForecastPayload & { readonly weight: number } {
  const field = `workload.payloads[${index}]`;
  if (typeof payload !== 'object' || payload === null) throw new InvalidArgumentError(field, payload, 'an object');
  const { dataSize, dataType, format, share = 1 } = payload;
  within(`${field}.dataSize`, dataSize, 0, Number.MAX_SAFE_INTEGER);
  within(`${field}.share`, share, Number.MIN_VALUE, 1e12);
  for (const [name, value] of [
    ['dataType', dataType],
    ['format', format],
  ] as const) {
    if (typeof value !== 'string') throw new InvalidArgumentError(`${field}.${name}`, value, 'a text');
  }
  return { ...payload, weight: share };
}

function within(field: string, value: unknown, low: number, high: number, whole = false): void {
  if (typeof value === 'number' && value >= low && value <= high && (!whole || Number.isInteger(value))) return;
  const least = low === Number.MIN_VALUE ? 'above 0' : `of at least ${low}`;
  throw new InvalidArgumentError(field, value, `${whole ? 'an integer' : 'a number'} ${least} and at most ${high}`);
}
