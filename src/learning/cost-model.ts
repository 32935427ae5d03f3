/**
 * First layer of learning: what a transfer costs by size, per lane, fitted online, usable from the first record (the prior) and good from the
 * first tens. `cost-structure.ts` has the form, `cost-filter.ts` the arithmetic, `docs/learning.md` the measurements.
 *
 * One model per pool. Feed it SUCCESSES only: a failure that came back fast must never teach a low latency. The caller filters.
 * Mutable; its owner publishes `snapshot()`, which is frozen.
 */
import { InvalidArgumentError } from '../errors.ts';
import { CostFilter } from './cost-filter.ts';
import { type CostPrior, checkedPrior, DEFAULT_COST_PRIOR } from './cost-prior.ts';
import { FrozenCostModel, type LaneScatter } from './cost-snapshot.ts';
import { type CostModelState, checkedState, STATE_VERSION } from './cost-state.ts';
import {
  blockOf,
  expand,
  type KindCosts,
  kindCosts,
  kindPrior,
  LEVEL,
  Linearization,
  linearize,
  SparseVector,
  sharedPrior,
} from './cost-structure.ts';
import { decayOver, KindTable, slotOf } from './kind-table.ts';
import { isLearnable } from './learnable.ts';
import { PageHinkley } from './page-hinkley.ts';
import { RollingResiduals } from './rolling-residuals.ts';
import type { CostModelSnapshot, JsonValue, Lane, Observation } from './types.ts';

export interface CostModelOptions {
  /** What a fresh model believes. Default `DEFAULT_COST_PRIOR`; the machine card of `pitwall doctor` where there is one. */
  readonly prior?: CostPrior;
  /** Kinds (data type and format) with parameters of their own, 1..32. Default 12; others share one block. */
  readonly maxKinds?: number;
  /** Residuals per lane that intervals rest on, 20..10 000. Default 200. */
  readonly residualWindow?: number;
  /** Records after which a parameter's doubt has grown by its prior's variance if nothing teaches it. Default 8000. */
  readonly memoryRecords?: number;
  /** Share of the recent transfers' time that exploration may be expected to cost, 0..1. Default 0.02. */
  readonly explorationBudget?: number;
}

/** Counters of what a model took and refused. */
export interface CostModelCounters {
  /** Records learned from. */
  readonly learned: number;
  /** Records refused because a number in them was no number, or out of range. */
  readonly refusedRecords: number;
  /** Records whose kind got no parameters of its own because all slots were in use. */
  readonly refusedKinds: number;
  /** Changes of regime that the residuals told of. */
  readonly changes: number;
}

/** Records of one kind by lane, weighted by recency. */
export interface KindTraffic {
  readonly dataType: string;
  readonly format: string;
  readonly grpc: number;
  readonly zeroCopy: number;
}

export class CostModel {
  readonly #prior: CostPrior;
  readonly #maxKinds: number;
  readonly #residualWindow: number;
  readonly #memoryRecords: number;
  readonly #explorationBudget: number;
  readonly #at = new Linearization();
  readonly #otherAt = new Linearization();
  readonly #gradient = new SparseVector();
  readonly #filter: CostFilter;
  #kinds: KindTable;
  #grpc: LaneState;
  #zeroCopy: LaneState;
  #learned = 0;
  #meanLatencyUs = INITIAL_MEAN_US;
  #explorationSpent = 0;
  #refusedRecords = 0;
  #changes = 0;
  /** Probes learned from, decayed by the transfers since. Not stored: a restart has seen none. */
  #probes = 0;

  /** @throws InvalidArgumentError for an option outside its range, naming it. */
  constructor(options: CostModelOptions = {}) {
    this.#prior = checkedPrior(options.prior ?? DEFAULT_COST_PRIOR);
    this.#maxKinds = checkedInteger('maxKinds', options.maxKinds ?? 12, 1, 32);
    this.#residualWindow = checkedInteger('residualWindow', options.residualWindow ?? 200, 20, 10_000);
    this.#memoryRecords = checkedInteger('memoryRecords', options.memoryRecords ?? 8000, 10, 10_000_000);
    this.#explorationBudget = checkedShare('explorationBudget', options.explorationBudget ?? 0.02);
    const shared = sharedPrior(this.#prior);
    this.#filter = new CostFilter(shared.mean, shared.variance, this.#drift(shared.variance, true));
    const other = kindPrior(this.#prior, undefined);
    this.#filter.append(other.mean, other.variance, this.#drift(other.variance, false));
    this.#kinds = new KindTable(this.#maxKinds);
    this.#grpc = newLane(this.#residualWindow);
    this.#zeroCopy = newLane(this.#residualWindow);
  }

  get counters(): CostModelCounters {
    return {
      learned: this.#learned,
      refusedRecords: this.#refusedRecords,
      refusedKinds: this.#kinds.refused,
      changes: this.#changes,
    };
  }

  /**
   * Learns from one successful transfer. Never throws; what cannot be learned from is counted. Leaves its argument as it is.
   *
   * @returns what it had expected the transfer to take before it learned, microseconds; undefined where it learned nothing
   */
  learn(observation: Observation): number | undefined {
    if (!isLearnable(observation)) {
      this.#refusedRecords += 1;
      return undefined;
    }
    const slot = this.#slot(observation);
    const lane = observation.method === 'grpc' ? this.#grpc : this.#zeroCopy;
    const filter = this.#filter;
    const costs = kindCosts(filter.theta, slot);
    this.#at.reset();
    linearize(this.#at, filter.theta, costs, observation.method, observation);
    this.#spend(observation, costs);
    expand(this.#gradient, this.#at, slot);
    const expectedUs = this.#at.latencyUs;
    const residual = Math.log(observation.latencyUs / expectedUs);
    const explained = filter.variance(this.#gradient);
    lane.residuals.add(residual);
    if (lane.change.update(Math.max(-CHANGE_CLIP, Math.min(CHANGE_CLIP, residual)))) this.#doubt();
    filter.update(this.#gradient, residual, observation.inFlight > 1 ? BURST_NOISE * lane.noise : lane.noise);
    lane.noise = nextNoise(lane.noise, residual, explained);
    lane.records = lane.records * decayOver(1) + 1;
    this.#otherLane(lane).records *= decayOver(1);
    this.#learned += 1;
    this.#probes *= PROBE_DECAY;
    this.#kinds.count(slot, observation.method, this.#learned);
    return expectedUs;
  }

  /**
   * Learns what a probe says that the lane would have taken which a transfer did not take. It is no transfer: neither the traffic nor its mean, neither the
   * intervals nor the budget of exploration know of it. Never throws.
   */
  learnProbe(probe: Observation): void {
    if (!isLearnable(probe)) {
      this.#refusedRecords += 1;
      return;
    }
    const slot = slotOf(this.#kinds.index, probe.dataType, probe.format);
    const lane = probe.method === 'grpc' ? this.#grpc : this.#zeroCopy;
    const { theta } = this.#filter;
    this.#at.reset();
    linearize(this.#at, theta, kindCosts(theta, slot), probe.method, probe);
    expand(this.#gradient, this.#at, slot);
    const residual = Math.log(probe.latencyUs / this.#at.latencyUs);
    this.#filter.update(this.#gradient, residual, PROBE_NOISE * lane.noise);
    lane.records += 1 / PROBE_NOISE;
    this.#probes += 1;
  }

  /** Mean log(actual / predicted) of the lane's last transfers, as a snapshot says it. */
  recentPerformance(method: Lane): number {
    return (method === 'grpc' ? this.#grpc : this.#zeroCopy).residuals.recent();
  }

  /** What the pool transfers, by kind and lane, weighted by recency: the traffic that thresholds are tuned for. */
  kinds(): readonly KindTraffic[] {
    return this.#kinds.kinds().map((kind) => {
      const decay = decayOver(this.#learned - kind.atRecord);
      return { dataType: kind.dataType, format: kind.format, grpc: kind.grpc * decay, zeroCopy: kind.zeroCopy * decay };
    });
  }

  /** A frozen copy for readers. Some microseconds; make it per batch, not per reader. */
  snapshot(): CostModelSnapshot {
    return new FrozenCostModel({
      theta: this.#filter.theta.slice(),
      covariance: this.#filter.covariance.slice(),
      index: this.#kinds.index,
      grpc: this.#scatter('grpc', this.#kinds.slots),
      zeroCopy: this.#scatter('zero_copy', this.#kinds.slots),
      meanLatencyUs: this.#meanLatencyUs,
      mayExplore: this.#explorationSpent <= this.#explorationBudget,
      spent: this.#explorationSpent,
      budget: this.#explorationBudget,
      floorScale: 1 - PROBED_SHARE * Math.min(1, this.#probes / ENOUGH_PROBES),
    });
  }

  /** Everything learned, as plain JSON with a version. */
  toState(): JsonValue {
    const size = this.#filter.size;
    const covariance: number[] = [];
    for (let row = 0; row < size; row += 1) {
      for (let column = 0; column <= row; column += 1)
        covariance.push(this.#filter.covariance[row * size + column] ?? 0);
    }
    return {
      version: STATE_VERSION,
      learned: this.#learned,
      meanLatencyUs: this.#meanLatencyUs,
      explorationSpent: this.#explorationSpent,
      refusedRecords: this.#refusedRecords,
      refusedKinds: this.#kinds.refused,
      changes: this.#changes,
      theta: Array.from(this.#filter.theta),
      covariance,
      kinds: this.#kinds.kinds().map((kind) => ({ ...kind })),
      grpc: laneState(this.#grpc),
      zeroCopy: laneState(this.#zeroCopy),
    };
  }

  /**
   * The model that a state describes.
   *
   * @throws PitwallError `PITWALL_INVALID_STATE` with the reason, for anything that `toState` of this version cannot have made.
   */
  static fromState(state: unknown, options: CostModelOptions = {}): CostModel {
    const model = new CostModel(options);
    model.#restore(checkedState(state, { maxKinds: model.#maxKinds, parameters: blockOf }));
    return model;
  }

  /** The machine has changed: all that was learned is doubted a little, so that what comes next counts for more. */
  #doubt(): void {
    this.#filter.doubt(CHANGE_DOUBT);
    this.#changes += 1;
  }

  /**
   * Keeps the pool's mean latency and the share of it that exploration is expected to have cost: what the model itself expected the tried lane
   * to take beyond the other one.
   */
  #spend(observation: Observation, costs: KindCosts): void {
    const expected = this.#at.latencyUs;
    let extra = 0;
    if (observation.propensity < EXPLORED_BELOW) {
      const other = observation.method === 'grpc' ? 'zero_copy' : 'grpc';
      this.#otherAt.reset();
      linearize(this.#otherAt, this.#filter.theta, costs, other, observation);
      extra = Math.max(0, expected - this.#otherAt.latencyUs);
    }
    const rate = Math.max(MEAN_RATE, 1 / (this.#learned + 1));
    const before = this.#meanLatencyUs;
    this.#meanLatencyUs = before + rate * (Math.min(observation.latencyUs, MEAN_CLIP * before) - before);
    this.#explorationSpent += MEAN_RATE * (extra / Math.max(this.#meanLatencyUs, 1) - this.#explorationSpent);
  }

  #restore(state: CostModelState): void {
    const bySlot = new Map(state.kinds.map((kind) => [kind.slot, kind]));
    for (let slot = 1; slot <= state.kinds.length; slot += 1) this.#startKind(slot, bySlot.get(slot)?.dataType);
    const filter = this.#filter;
    filter.theta = Float64Array.from(state.theta);
    let next = 0;
    for (let row = 0; row < filter.size; row += 1) {
      for (let column = 0; column <= row; column += 1) {
        const value = state.covariance[next] ?? 0;
        filter.covariance[row * filter.size + column] = value;
        filter.covariance[column * filter.size + row] = value;
        next += 1;
      }
    }
    this.#kinds = new KindTable(this.#maxKinds, state.kinds, state.refusedKinds);
    this.#learned = state.learned;
    this.#meanLatencyUs = state.meanLatencyUs;
    this.#explorationSpent = state.explorationSpent;
    this.#refusedRecords = state.refusedRecords;
    this.#changes = state.changes;
    this.#grpc = newLane(this.#residualWindow, state.grpc);
    this.#zeroCopy = newLane(this.#residualWindow, state.zeroCopy);
  }

  #slot(observation: Observation): number {
    const { slot, fresh } = this.#kinds.claim(observation.dataType, observation.format, this.#learned);
    if (fresh) this.#startKind(slot, observation.dataType);
    return slot;
  }

  #startKind(slot: number, dataType: string | undefined): void {
    const offset = blockOf(slot);
    const { mean, variance } = kindPrior(this.#prior, dataType);
    if (offset < this.#filter.size) this.#filter.reset(offset, mean, variance);
    else this.#filter.append(mean, variance, this.#drift(variance, false));
  }

  #drift(variance: Float64Array, shared: boolean): Float64Array {
    const drift = variance.map((value) => value / this.#memoryRecords);
    // The machine as a whole changes faster than its constants do.
    if (shared) drift[LEVEL] = LEVEL_DRIFT;
    return drift;
  }

  #otherLane(lane: LaneState): LaneState {
    return lane === this.#grpc ? this.#zeroCopy : this.#grpc;
  }

  #scatter(method: Lane, slots: number): LaneScatter {
    const lane = method === 'grpc' ? this.#grpc : this.#zeroCopy;
    const halfWidth = lane.residuals.halfWidth();
    // A measured prior is as old as the records since.
    const measured = (this.#prior.records ?? 0) * decayOver(this.#learned);
    const effectiveSamples = new Array<number>(slots).fill(measured + PARENT_WEIGHT * lane.records);
    for (const kind of this.#kinds.kinds()) {
      const own = (method === 'grpc' ? kind.grpc : kind.zeroCopy) * decayOver(this.#learned - kind.atRecord);
      effectiveSamples[kind.slot] = measured + own + PARENT_WEIGHT * Math.max(0, lane.records - own);
    }
    return {
      intervalFactor: halfWidth === undefined ? undefined : Math.exp(halfWidth),
      smearing: lane.residuals.smearing(),
      recent: lane.residuals.recent(),
      effectiveSamples,
    };
  }
}

interface LaneState {
  readonly residuals: RollingResiduals;
  readonly change: PageHinkley;
  /** Variance of a transfer's log latency around its median. */
  noise: number;
  /** Records, decayed. */
  records: number;
}

/** How much a record of another kind counts for a kind's effective samples. */
const PARENT_WEIGHT = 0.1;
/** Process noise of the machine's level, per record: about 15 % within 100 records. */
const LEVEL_DRIFT = 2e-4;
/**
 * Transfers of one burst share their fate: a residual among them says less than one of its own. The factor on their noise was worth 0.4 % of
 * slowdown and 0.8 % of regret (docs/learning.md).
 */
const BURST_NOISE = 4;
/**
 * After a change of regime each parameter's variance grows by this share of its prior's, at most to it. Slowdown after changes fell by 0.2 %
 * (docs/learning.md); four times as much doubt cost as much in regret as it won.
 */
const CHANGE_DOUBT = 0.05;
/** A probe is made of four measurements of another payload; its noise counts as that of so many transfers. */
const PROBE_NOISE = 2;
/** What probes take off the floor of exploration when so many of them are fresh, a memory of 500 transfers long. */
const PROBED_SHARE = 0.8;
const ENOUGH_PROBES = 10;
const PROBE_DECAY = 1 - 1 / 500;
/** A single stall is no change of regime. */
const CHANGE_CLIP = 1.5;
/** Rate of the mean latency and of the budget's share: a memory of 200 records. */
const MEAN_RATE = 0.005;
const INITIAL_MEAN_US = 3000;
/** One transfer counts at most this many means in the mean. */
const MEAN_CLIP = 50;
/** A record with less than this propensity may have been tried against the model's belief. */
const EXPLORED_BELOW = 0.5;
const INITIAL_NOISE = 0.35 ** 2;
const MIN_NOISE = 0.05 ** 2;
const MAX_NOISE = 4;
const NOISE_RATE = 0.01;
/** Residuals beyond this many standard deviations count as that many in the noise. */
const NOISE_CLIP = 3;

/** Exponentially weighted variance of the scatter: what of a squared residual the model's own doubt does not explain. */
function nextNoise(noise: number, residual: number, explained: number): number {
  const total = noise + explained;
  const squared = Math.min(residual * residual, NOISE_CLIP * NOISE_CLIP * total);
  const next = noise + NOISE_RATE * ((squared * noise) / total - noise);
  return Math.max(MIN_NOISE, Math.min(MAX_NOISE, next));
}

function newLane(window: number, state?: CostModelState['grpc']): LaneState {
  return {
    residuals: new RollingResiduals(window, state?.residuals, state?.missRate),
    change: new PageHinkley({}, state?.change),
    noise: state?.noise ?? INITIAL_NOISE,
    records: state?.records ?? 0,
  };
}

function laneState(lane: LaneState) {
  const { noise, records, residuals, change } = lane;
  return { residuals: residuals.toArray(), missRate: residuals.missRate, change: change.toState(), noise, records };
}

function checkedShare(field: string, value: number): number {
  if (value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError(field, value, 'a number in 0..1');
}

function checkedInteger(field: string, value: number, low: number, high: number): number {
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw new InvalidArgumentError(field, value, `an integer in ${low}..${high}`);
}
