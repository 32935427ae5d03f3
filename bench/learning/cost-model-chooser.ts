/** The cost model alone, replayed: what the first layer is worth without the decision around it. */
import { CostModel, type CostModelOptions } from '../../src/learning/cost-model.ts';
import type { ReplayChoice, ReplayChooser, ReplayRequest } from '../../src/learning/replay.ts';
import type { CostModelSnapshot, Observation } from '../../src/learning/types.ts';

export class CostModelChooser implements ReplayChooser {
  readonly #statistic: 'median' | 'mean';
  readonly #rate: number;
  readonly #options: CostModelOptions;
  readonly #pools = new Map<string, { model: CostModel; snapshot: CostModelSnapshot }>();

  constructor(statistic: 'median' | 'mean', explorationRate = 0.05, options: CostModelOptions = {}) {
    this.#statistic = statistic;
    this.#rate = explorationRate;
    this.#options = options;
  }

  choose(row: ReplayRequest, random: () => number): ReplayChoice {
    const request = { statistic: this.#statistic, explorationRate: this.#rate, random: random() };
    const choice = this.#pool(row.pool).snapshot.choose?.(row.features, request);
    if (choice === undefined) throw new Error('the cost model can choose');
    const { method, propensity, explored, comparison } = choice;
    return { method, propensity, explored, grpc: comparison.grpc, zeroCopy: comparison.zeroCopy };
  }

  learn(pool: string, observation: Observation): void {
    const entry = this.#pool(pool);
    entry.model.learn(observation);
    entry.snapshot = entry.model.snapshot();
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
