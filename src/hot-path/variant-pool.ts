/** A pool as one variant of an experiment sees it: its slot, live, with another policy. */
import type { ConfiguredRolloutStage, PoolConfig, PoolLimits } from '../config/types.ts';
import type { PolicySnapshot, PoolSnapshot } from '../decision/types.ts';
import { lowerStage } from '../learning/rollout.ts';
import type { PoolSlot } from '../snapshots.ts';

export interface VariantPolicy {
  readonly policy: PolicySnapshot;
  readonly limits: PoolLimits;
  readonly rolloutStage: ConfiguredRolloutStage;
}

export class VariantPool implements PoolSnapshot {
  readonly experiment = undefined;
  readonly #slot: PoolSlot;
  readonly #build: (config: PoolConfig) => VariantPolicy;
  #basis: PoolConfig;
  #own: VariantPolicy;

  /** @param build the variant's policy over the pool's configuration. Throws where the two do not go together: for the first one, to the caller. */
  constructor(slot: PoolSlot, build: (config: PoolConfig) => VariantPolicy) {
    this.#slot = slot;
    this.#build = build;
    this.#basis = slot.config;
    this.#own = build(slot.config);
  }

  get policy(): PolicySnapshot {
    return this.#current().policy;
  }
  get limits(): PoolLimits {
    return this.#current().limits;
  }
  get rolloutStage(): PoolSnapshot['rolloutStage'] {
    return lowerStage(this.#slot.rolloutStage, this.#current().rolloutStage);
  }
  get pool(): string {
    return this.#slot.pool;
  }
  get mode(): PoolSnapshot['mode'] {
    return this.#slot.mode;
  }
  get thresholds(): PoolSnapshot['thresholds'] {
    return this.#slot.thresholds;
  }
  get costModel(): PoolSnapshot['costModel'] {
    return this.#slot.costModel;
  }
  get model(): PoolSnapshot['model'] {
    return this.#slot.model;
  }
  get requiredConfidence(): PoolSnapshot['requiredConfidence'] {
    return this.#slot.requiredConfidence;
  }
  get transport(): PoolSnapshot['transport'] {
    return this.#slot.transport;
  }
  get breaker(): PoolSnapshot['breaker'] {
    return this.#slot.breaker;
  }
  get inFlight(): number {
    return this.#slot.inFlight;
  }
  get metrics(): PoolSnapshot['metrics'] {
    return this.#slot.metrics;
  }

  /** The pool's policy may change under a running experiment; a variant follows with its difference, or keeps what it had where that does not fit. */
  #current(): VariantPolicy {
    const { config } = this.#slot;
    if (config === this.#basis) return this.#own;
    this.#basis = config;
    try {
      this.#own = this.#build(config);
    } catch {
      // What the difference is to be laid over allows none.
    }
    return this.#own;
  }
}
