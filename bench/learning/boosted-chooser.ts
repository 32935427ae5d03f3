/** Both layers, replayed: trees are trained in between (in this thread, as a benchmark may) and serve where held-out rows say they are better. */
import { BoostedModel } from '../../src/learning/boosted-model.ts';
import { CostModel } from '../../src/learning/cost-model.ts';
import { isBetter } from '../../src/learning/is-better.ts';
import type { ReplayChoice, ReplayChooser, ReplayRequest } from '../../src/learning/replay.ts';
import { trainModel } from '../../src/learning/train-model.ts';
import type { TrainingReport } from '../../src/learning/training-report.ts';
import type { CostModelSnapshot, Observation } from '../../src/learning/types.ts';

interface Pool {
  readonly model: CostModel;
  readonly history: Observation[];
  cost: CostModelSnapshot;
  boosted: BoostedModel | undefined;
  serving: CostModelSnapshot;
}

export class BoostedChooser implements ReplayChooser {
  readonly #statistic: 'median' | 'mean';
  readonly #pools = new Map<string, Pool>();
  readonly #every: number;
  readonly #always: boolean;
  readonly reports: TrainingReport[] = [];
  published = 0;

  constructor(statistic: 'median' | 'mean', every = 500, always = false) {
    this.#statistic = statistic;
    this.#every = every;
    this.#always = always;
  }

  choose(row: ReplayRequest, random: () => number): ReplayChoice {
    const request = { statistic: this.#statistic, explorationRate: 0.05, random: random() };
    const choice = this.#pool(row.pool).serving.choose?.(row.features, request);
    if (choice === undefined) throw new Error('the learner can choose');
    const { method, propensity, explored, comparison } = choice;
    return { method, propensity, explored, grpc: comparison.grpc, zeroCopy: comparison.zeroCopy };
  }

  learn(name: string, observation: Observation): void {
    const pool = this.#pool(name);
    pool.history.push(observation);
    pool.boosted?.observe(observation, pool.cost);
    pool.model.learn(observation);
    pool.cost = pool.model.snapshot();
    if (pool.history.length >= 1000 && pool.history.length % this.#every === 0) this.#train(pool);
    pool.serving = pool.boosted?.snapshot(pool.cost) ?? pool.cost;
  }

  trainings(): number {
    return this.reports.length;
  }

  #train(pool: Pool): void {
    const { buffer, report } = trainModel(pool.history, { statistic: this.#statistic });
    this.reports.push(report);
    const better = isBetter(report);
    if (!better && !this.#always) {
      pool.boosted = undefined;
      return;
    }
    this.published += 1;
    pool.boosted = new BoostedModel(buffer, { modelId: 'bench', requiredConfidence: 0 });
  }

  #pool(name: string): Pool {
    let pool = this.#pools.get(name);
    if (pool === undefined) {
      const model = new CostModel();
      const cost = model.snapshot();
      pool = { model, history: [], cost, boosted: undefined, serving: cost };
      this.#pools.set(name, pool);
    }
    return pool;
  }
}
