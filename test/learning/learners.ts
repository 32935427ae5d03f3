/** Every learner, for the one suite that all of them pass. A new learner is one more entry. */
import { CostModel } from '../../src/learning/cost-model.ts';
import type { CostModelSnapshot, JsonValue, Observation } from '../../src/learning/types.ts';

export interface LearnerUnderTest {
  learn(observation: Observation): void;
  snapshot(): CostModelSnapshot;
  toState(): JsonValue;
}

export interface LearnerCase {
  readonly name: string;
  create(): LearnerUnderTest;
  restore(state: unknown): LearnerUnderTest;
}

export const LEARNERS: readonly LearnerCase[] = [
  { name: 'cost model', create: () => new CostModel(), restore: (state) => CostModel.fromState(state) },
];
