/** The cost model alone, replayed: what the first layer is worth without the decision around it. */
import type { CostModelOptions } from '../../src/learning/cost-model.ts';
import type { ReplayChoice, ReplayChooser, ReplayRequest } from '../../src/learning/replay.ts';
import type { Observation } from '../../src/learning/types.ts';
import { PoolModels } from './pool-models.ts';

export class CostModelChooser implements ReplayChooser {
  readonly #statistic: 'median' | 'mean';
  readonly #rate: number;
  readonly #models: PoolModels;

  constructor(statistic: 'median' | 'mean', explorationRate = 0.05, options: CostModelOptions = {}) {
    this.#statistic = statistic;
    this.#rate = explorationRate;
    this.#models = new PoolModels(options);
  }

  choose(row: ReplayRequest, random: () => number): ReplayChoice {
    const request = { statistic: this.#statistic, explorationRate: this.#rate, random: random() };
    const choice = this.#models.snapshot(row.pool).choose?.(row.features, request);
    if (choice === undefined) throw new Error('the cost model can choose');
    const { method, propensity, explored, comparison } = choice;
    return { method, propensity, explored, grpc: comparison.grpc, zeroCopy: comparison.zeroCopy };
  }

  learn(pool: string, observation: Observation): void {
    this.#models.learn(pool, observation);
  }
}
