/** Runs in a piscina thread: one training per call. Never imported by the host. */
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { trainModel } from '../learning/train-model.ts';
import type { Observation } from '../learning/types.ts';
import { unpackObservations } from './observation-columns.ts';
import { readStoredObservations } from './stored-observations.ts';
import type { TrainingResult, TrainingTask } from './training-task.ts';

/** Answers with a `TrainingResult` whose buffer changes owner instead of being copied. */
export default async function train(task: TrainingTask): Promise<unknown> {
  const startMs = performance.now();
  const observations = await observationsOf(task);
  const readMs = performance.now() - startMs;
  const { buffer, report } = trainModel(observations, task.options);
  const trainMs = performance.now() - startMs - readMs;
  const result: TrainingResult = { buffer, report, readMs, trainMs };
  return move({ [transferableSymbol]: buffer, [valueSymbol]: result });
}

async function observationsOf(task: TrainingTask): Promise<Observation[]> {
  switch (task.type) {
    case 'train_given':
      return unpackObservations(task.columns);
    case 'train_stored':
      return readStoredObservations(task.path, task.pool, task.limit);
    default:
      return task satisfies never;
  }
}
