/** Real threads of the built package: what happens in one costs that training and nothing else. */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { packObservations } from '../../dist/workers/observation-columns.js';
import { TrainingPool, type TrainingPoolOptions } from '../../dist/workers/training-pool.js';
import { CompiledTrees } from '../../src/learning/compiled-trees.ts';
import type { TrainingTask } from '../../src/workers/training-task.ts';
import { MACHINE, observe, randomSize, seededRandom } from './synthetic.ts';

const MISBEHAVING = fileURLToPath(new URL('./threads/misbehaving.mjs', import.meta.url));
const pools: TrainingPool[] = [];

function pool(options: Partial<TrainingPoolOptions> = {}): TrainingPool {
  const made = new TrainingPool({ nowMs: () => performance.now(), backOffMs: 0, ...options });
  pools.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((each) => each.close()));
});

function task(pool: string): TrainingTask {
  return { type: 'train_stored', path: 'nowhere', pool, limit: 1, options: { statistic: 'median' } };
}

function given(rows: number): TrainingTask {
  const random = seededRandom(1);
  const history = Array.from({ length: rows }, (_, index) => {
    const observation = observe(MACHINE, index % 2 === 0 ? 'grpc' : 'zero_copy', randomSize(random), random, {
      features: { hourOfDay: index % 24 },
    });
    const night = observation.hourOfDay < 12 && observation.method === 'grpc';
    return night ? { ...observation, latencyUs: observation.latencyUs * 2.5 } : observation;
  });
  return { type: 'train_given', columns: packObservations(history), options: { statistic: 'median' } };
}

describe('training in a thread', () => {
  test('gives a model that can be compiled, and its report', async () => {
    const { buffer, report, trainMs } = await pool().train(given(3000));
    expect(new CompiledTrees(buffer).grpcTrees).toBe(report.trees.grpc);
    expect(report.heldOut.medianError.withTrees).toBeLessThan(report.heldOut.medianError.costModel);
    expect(trainMs).toBeGreaterThan(0);
  });

  test('a task moves its rows: they are not there twice', async () => {
    const training = given(1200);
    const done = pool().train(training);
    await done;
    expect(training.type === 'train_given' && training.columns.buffer.byteLength).toBe(0);
  });

  test('too few rows are an error with the reason, not a model', async () => {
    await expect(pool().train(given(10))).rejects.toMatchObject({
      code: 'PITWALL_TRAINING_FAILED',
      message: expect.stringContaining('at least 1000'),
    });
  });

  test('a store that is not there is an error', async () => {
    await expect(pool().train(task('ml'))).rejects.toMatchObject({ code: 'PITWALL_TRAINING_FAILED' });
  });

  test('the host turns on while a thread trains', async () => {
    const training = given(20_000);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    let turns = 0;
    const count = setInterval(() => {
      turns += 1;
    }, 1);
    await pool().train(training);
    clearInterval(count);
    delay.disable();
    expect(turns).toBeGreaterThan(20);
  });
});

describe('a thread that misbehaves costs that training alone', () => {
  test.each([
    ['throws', 'PITWALL_TRAINING_FAILED'],
    ['exits', 'PITWALL_TRAINING_FAILED'],
    ['rejects late', 'PITWALL_TRAINING_FAILED'],
    ['hangs', 'PITWALL_TRAINING_TIMEOUT'],
    ['never answers', 'PITWALL_TRAINING_TIMEOUT'],
  ])('one that %s is reported as %s, and the next training works', async (misbehaviour, code) => {
    const threads = pool({ file: MISBEHAVING, timeoutMs: code.endsWith('TIMEOUT') ? 500 : 60_000 });
    await expect(threads.train(task(misbehaviour))).rejects.toMatchObject({ code });
    const patient = pool({ file: MISBEHAVING });
    await expect(patient.train(task('answers'))).resolves.toMatchObject({ readMs: 0 });
    expect(threads.status).toMatchObject({ running: 0, failed: 1, failuresInARow: 1 });
  });

  test('one that runs out of memory, twenty times', async () => {
    const threads = pool({ file: MISBEHAVING, memoryLimitMb: 24 });
    for (let time = 0; time < 20; time += 1) {
      await expect(threads.train(task('eats memory'))).rejects.toMatchObject({
        code: 'PITWALL_TRAINING_OUT_OF_MEMORY',
      });
    }
    await expect(threads.train(task('answers'))).resolves.toMatchObject({ readMs: 0 });
    expect(threads.status).toMatchObject({ failed: 20, failuresInARow: 0 });
  });
});

describe('limits', () => {
  test('a hanging training is cancelled by its signal', async () => {
    const threads = pool({ file: MISBEHAVING });
    const controller = new AbortController();
    const training = threads.train(task('hangs'), { signal: controller.signal });
    controller.abort();
    await expect(training).rejects.toMatchObject({ code: 'PITWALL_TRAINING_CANCELLED' });
    expect(threads.status).toMatchObject({ failed: 0, running: 0 });
  });

  test('more than the queue holds is refused and counted', async () => {
    const threads = pool({ file: MISBEHAVING, maxQueue: 1 });
    const controller = new AbortController();
    const waiting = [1, 2].map(() => threads.train(task('never answers'), { signal: controller.signal }));
    await expect(threads.train(task('answers'))).rejects.toMatchObject({ code: 'PITWALL_TRAINING_BUSY' });
    expect(threads.status).toMatchObject({ running: 1, queued: 1, refused: 1 });
    controller.abort();
    for (const each of waiting) await expect(each).rejects.toMatchObject({ code: 'PITWALL_TRAINING_CANCELLED' });
  });

  test('after failures it pauses, longer each time, until one works', async () => {
    let nowMs = 0;
    const threads = pool({ file: MISBEHAVING, backOffMs: 1000, nowMs: () => nowMs });
    for (const pauseMs of [1000, 2000, 4000]) {
      await expect(threads.train(task('throws'))).rejects.toMatchObject({ code: 'PITWALL_TRAINING_FAILED' });
      expect(threads.status.pausedUntilMs).toBe(nowMs + pauseMs);
      await expect(threads.train(task('answers'))).rejects.toMatchObject({ code: 'PITWALL_TRAINING_PAUSED' });
      nowMs += pauseMs;
    }
    await threads.train(task('answers'));
    expect(threads.status).toMatchObject({ failuresInARow: 0, pausedUntilMs: undefined });
  });

  test('closing ends what runs, and refuses what comes', async () => {
    const threads = pool({ file: MISBEHAVING });
    const training = threads.train(task('hangs'));
    const refusal = expect(training).rejects.toMatchObject({ code: 'PITWALL_TRAINING_CLOSED' });
    await threads.close();
    await refusal;
    await expect(threads.train(task('answers'))).rejects.toMatchObject({ code: 'PITWALL_TRAINING_CLOSED' });
  });

  test('a program that is not there is an error', async () => {
    await expect(pool({ file: '/nowhere.js' }).train(task('answers'))).rejects.toMatchObject({
      code: 'PITWALL_TRAINING_PROGRAM_MISSING',
    });
  });

  test('a program that cannot load is an error, not an endless start', async () => {
    const file = fileURLToPath(new URL('./threads/cannot-load.mjs', import.meta.url));
    const heard: unknown[] = [];
    const threads = pool({ file, onError: (error) => heard.push(error) });
    await expect(threads.train(task('answers'))).rejects.toMatchObject({ code: 'PITWALL_TRAINING_FAILED' });
  });
});
