/** A cost model for each pool of a trace, as it stands after what it has learned. */
import { CostModel, type CostModelOptions } from '../../src/learning/cost-model.ts';
import type { CostModelSnapshot, Observation } from '../../src/learning/types.ts';

export class PoolModels {
  readonly #options: CostModelOptions;
  readonly #pools = new Map<string, { model: CostModel; snapshot: CostModelSnapshot }>();

  constructor(options: CostModelOptions) {
    this.#options = options;
  }

  learn(pool: string, observation: Observation): void {
    const entry = this.#pool(pool);
    entry.model.learn(observation);
    entry.snapshot = entry.model.snapshot();
  }

  snapshot(pool: string): CostModelSnapshot {
    return this.#pool(pool).snapshot;
  }

  #pool(name: string): { model: CostModel; snapshot: CostModelSnapshot } {
    let entry = this.#pools.get(name);
    if (entry === undefined) {
      const model = new CostModel(this.#options);
      entry = { model, snapshot: model.snapshot() };
      this.#pools.set(name, entry);
    }
    return entry;
  }
}
