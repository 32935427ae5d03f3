/**
 * What actors publish and the hot path reads: pitwall's counterpart of a public, named ETS table with an heir. A snapshot outlives
 * the actor that published it; readers take the reference they find and never wait.
 *
 *   threshold manager ──thresholds, costModel──▶ ┌──────────────┐
 *   controller ───────policy, mode──────────────▶ │ PoolSlot     │ ◀── decide() reads, synchronously
 *   experimenter ─────experiment────────────────▶ │              │
 *   learner ──────────model, rolloutStage───────▶ │  (one a pool)│
 *   transport ────────transport─────────────────▶ └──────────────┘
 *   recorder ─────────metrics────────────────────▶ (same slot, for custom rules)
 *   resource monitor ─resources──▶ SnapshotBoard
 */
import type { PoolConfig, PoolLimits } from './config/types.ts';
import type {
  BreakerState,
  ExperimentSnapshot,
  ModelSnapshot,
  PolicySnapshot,
  PoolMetrics,
  PoolSnapshot,
  ResourceSnapshot,
  RolloutStage,
  ThresholdsSnapshot,
  TransportSnapshot,
} from './decision/types.ts';
import type { CostModelSnapshot } from './learning/types.ts';

/**
 * One pool's published state. Each field has exactly one writer (drawing above) and holds an immutable value, so a slot is itself a
 * valid `PoolSnapshot` at any instant: reading needs no copy, publishing is one assignment.
 */
export class PoolSlot implements PoolSnapshot {
  readonly pool: string;
  /** The configuration in force, from which limits and policy follow. Written by the controller together with them. */
  config: PoolConfig;
  /** Fingerprint of the configuration that the code gave; a policy stored under another one is not taken back. */
  readonly basis: string;
  mode: PoolSnapshot['mode'] = 'enabled';
  limits: PoolLimits;
  policy: PolicySnapshot;
  thresholds: ThresholdsSnapshot;
  costModel: CostModelSnapshot | undefined = undefined;
  model: ModelSnapshot | undefined = undefined;
  rolloutStage: RolloutStage = 'observe';
  requiredConfidence = 1;
  experiment: ExperimentSnapshot | undefined = undefined;
  transport: TransportSnapshot | undefined = undefined;
  metrics: PoolMetrics | undefined = undefined;
  breaker: BreakerState = 'closed';
  inFlight = 0;

  constructor(config: PoolConfig, basis: string, policy: PolicySnapshot, thresholds: ThresholdsSnapshot) {
    this.pool = config.name;
    this.config = config;
    this.basis = basis;
    this.limits = config.limits;
    this.policy = policy;
    this.thresholds = thresholds;
  }
}

/** All slots, and the machine's resources. */
export class SnapshotBoard {
  readonly #slots = new Map<string, PoolSlot>();
  /** Last sample of the resource monitor; undefined before the first. */
  resources: ResourceSnapshot | undefined = undefined;

  slot(pool: string): PoolSlot | undefined {
    return this.#slots.get(pool);
  }

  add(slot: PoolSlot): void {
    this.#slots.set(slot.pool, slot);
  }

  slots(): IterableIterator<PoolSlot> {
    return this.#slots.values();
  }

  get size(): number {
    return this.#slots.size;
  }
}
