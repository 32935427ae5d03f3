/** Runs in a piscina thread of a training process: one training per call. Never imported by the host. */
import { createRequire } from 'node:module';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { openSecondLayer } from '../learning/second-layer.ts';
import { trainModel } from '../learning/train-model.ts';
import type { Observation } from '../learning/types.ts';
import { unpackObservations } from './observation-columns.ts';
import { readStoredObservations } from './stored-observations.ts';
import type { TooFewSamples, Trained, TrainingTask } from './training-task.ts';

const DEFAULT_MINIMUM = 1_000;

/** Answers with a `TrainingResult` whose buffers change owner instead of being copied. */
export default async function train(task: TrainingTask): Promise<unknown> {
  const startMs = performance.now();
  const before = process.cpuUsage();
  const observations = await observationsOf(task);
  const needed = task.options.minimumRows ?? DEFAULT_MINIMUM;
  if (observations.length < needed) {
    return { type: 'too_few_samples', samples: observations.length, needed } satisfies TooFewSamples;
  }
  const readMs = performance.now() - startMs;
  const { learner, buffer, report, runnerUp } = trainModel(observations, task.options, incumbentOf(task));
  const trainMs = performance.now() - startMs - readMs;
  const { user, system } = process.cpuUsage(before);
  const cpuMs = (user + system) / 1000;
  const libraries = librariesHere();
  const result: Trained = { type: 'trained', learner, buffer, report, runnerUp, readMs, trainMs, cpuMs, libraries };
  const buffers = runnerUp === undefined ? [buffer] : [buffer, runnerUp.buffer];
  return move({ [transferableSymbol]: buffers, [valueSymbol]: result });
}

async function observationsOf(task: TrainingTask): Promise<Observation[]> {
  switch (task.type) {
    case 'train_given':
      return unpackObservations(task.columns);
    case 'train_stored':
      return readStoredObservations(task.path, task.pool, task.limit, task.fromUs);
    default:
      return task satisfies never;
  }
}

/** One that cannot be opened is no rival. */
function incumbentOf({ incumbent }: TrainingTask): ReturnType<typeof openSecondLayer> | undefined {
  if (incumbent === undefined) return undefined;
  try {
    return openSecondLayer(incumbent.learner, incumbent.buffer);
  } catch {
    return undefined;
  }
}

function librariesHere(): Record<string, string> {
  const find = createRequire(import.meta.url);
  const versionOf = (name: string): string => {
    try {
      const { version }: { version?: unknown } = find(`${name}/package.json`);
      return String(version);
    } catch {
      return 'unknown';
    }
  };
  return { pitwall: versionOf('pitwall'), 'ml-cart': versionOf('ml-cart'), node: process.versions.node };
}
