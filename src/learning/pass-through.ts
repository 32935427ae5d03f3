/**
 * A pool's history once more through the cost model, each transfer predicted before it is learned from: what it leaves over is what a second layer is trained on, and what
 * it said of both lanes is what the layer is judged against.
 */
import { CostModel, type CostModelOptions } from './cost-model.ts';
import type { HeldOutRow } from './held-out.ts';
import type { NeuralRow } from './neural-rows.ts';
import type { CostModelSnapshot, Observation } from './types.ts';

export interface Passed {
  /** log(actual / predicted before) of the lane that was taken. */
  readonly residuals: Float64Array;
  readonly predictedUs: Float64Array;
  /** Mean residual of that lane before the row. */
  readonly recent: Float64Array;
  /** Those that were looked at closely, in their order. */
  readonly compared: readonly NeuralRow[];
  /** The held-out rows, in their order. */
  readonly heldOut: readonly HeldOutRow[];
}

/**
 * Both lanes are compared on the held-out rows and on those in `closely` alone: on all of them it took half of the training's time, most of it in
 * garbage.
 */
export function passThrough(
  observations: readonly Observation[],
  heldOutFrom: number,
  closely: ReadonlySet<number>,
  options: CostModelOptions | undefined,
): Passed {
  const model = new CostModel(options);
  const residuals = new Float64Array(observations.length);
  const predictedUs = new Float64Array(observations.length).fill(1);
  const recent = new Float64Array(observations.length);
  const compared: NeuralRow[] = [];
  const heldOut: HeldOutRow[] = [];
  let snapshot: CostModelSnapshot | undefined;
  let takenAt = Number.NEGATIVE_INFINITY;
  for (const [index, observation] of observations.entries()) {
    if (index >= heldOutFrom || closely.has(index)) {
      // A new snapshot each few rows: as live, where they are made per batch.
      if (index - takenAt >= SNAPSHOT_EVERY) {
        snapshot = model.snapshot();
        takenAt = index;
      }
      const comparison = snapshot?.compare?.(observation);
      const both = { grpc: model.recentPerformance('grpc'), zero_copy: model.recentPerformance('zero_copy') };
      if (index >= heldOutFrom) heldOut.push({ observation, comparison, recent: both });
      else if (comparison !== undefined) compared.push({ observation, comparison, recent: both });
    }
    recent[index] = model.recentPerformance(observation.method);
    const predicted = model.learn(observation);
    if (predicted === undefined) continue;
    predictedUs[index] = predicted;
    residuals[index] = Math.log(observation.latencyUs / predicted);
  }
  return { residuals, predictedUs, recent, compared, heldOut };
}

const SNAPSHOT_EVERY = 16;
