/** Real processes and threads of the built package: what happens in one costs that training and nothing else. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../dist/metrics/store.js';
import { packObservations } from '../../dist/workers/observation-columns.js';
import { TrainingPool, type TrainingPoolOptions } from '../../dist/workers/training-pool.js';
import { CompiledTrees } from '../../src/learning/compiled-trees.ts';
import { LEARNER_KINDS, openSecondLayer } from '../../src/learning/second-layer.ts';
import type { Observation } from '../../src/learning/types.ts';
import { toObservation } from '../../src/metrics/observation.ts';
import type { TransferRecord } from '../../src/metrics/record.ts';
import type { Trained, TrainingResult, TrainingTask } from '../../src/workers/training-task.ts';
import { MACHINE, observe, randomSize, seededRandom } from './synthetic.ts';

const MISBEHAVING = fileURLToPath(new URL('./threads/misbehaving.mjs', import.meta.url));
/** Few trees: enough to see that it is training. */
const OPTIONS = { statistic: 'median', boosting: { rounds: 6 } } as const;
const pools: TrainingPool[] = [];

function pool(options: Partial<TrainingPoolOptions> = {}): TrainingPool {
  const made = new TrainingPool({ nowMs: () => performance.now(), backOffMs: 0, ...options });
  pools.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((each) => each.close()));
});

function madeBy(result: TrainingResult): Trained {
  if (result.type === 'trained') return result;
  throw new Error(`too few samples: ${result.samples}`);
}

function task(pool: string): TrainingTask {
  return { type: 'train_stored', path: 'nowhere', pool, limit: 1, options: { statistic: 'median' } };
}

function given(rows: number): TrainingTask {
  return { type: 'train_given', columns: packObservations(history(rows)), options: OPTIONS };
}

/** gRPC takes longer by night. */
function history(rows: number): Observation[] {
  const random = seededRandom(1);
  return Array.from({ length: rows }, (_, index) => {
    const observation = observe(MACHINE, index % 2 === 0 ? 'grpc' : 'zero_copy', randomSize(random), random, {
      features: { hourOfDay: index % 24 },
    });
    const night = observation.hourOfDay < 12 && observation.method === 'grpc';
    return night ? { ...observation, latencyUs: observation.latencyUs * 2.5 } : observation;
  });
}

const START_US = Date.UTC(2026, 0, 1) * 1000;
const HOUR_US = 3_600_000_000;

/** One a minute, by the hour that it says. */
function toRecord(observation: Observation, index: number): TransferRecord {
  const { hourOfDay, atMs: _atMs, ...features } = observation;
  const timestampUs = START_US + Math.floor(index / 24) * 24 * HOUR_US + hourOfDay * HOUR_US;
  return {
    ...features,
    transferId: `t${index}`,
    timestampUs,
    pool: 'ml',
    outcome: 'success',
    reason: 'cost_model',
    dataType: 'tensor',
    format: 'numpy',
    throughputMBps: observation.dataSize / observation.latencyUs,
    memoryUsed: undefined,
    decisionTimeUs: 1,
    predictedLatencyUs: undefined,
    predictionError: undefined,
    explored: false,
    fallback: false,
    policyVersion: 1,
    setupUs: undefined,
    serializeUs: undefined,
    transportUs: undefined,
    workerUs: undefined,
    cleanupUs: undefined,
    errorCode: undefined,
  };
}

function toSeen(record: TransferRecord): Observation {
  const seen = toObservation(record);
  if (seen === undefined) throw new Error('no success');
  return seen;
}

describe('training in a thread', () => {
  test('gives a model that can be compiled, and its report', async () => {
    const { buffer, report, trainMs } = madeBy(await pool().train(given(3000)));
    expect(new CompiledTrees(buffer).grpcTrees).toBe(report.trees.grpc);
    expect(report.heldOut.medianError.withModel).toBeLessThan(report.heldOut.medianError.costModel);
    expect(trainMs).toBeGreaterThan(0);
  });

  test('gives both learners where both are asked for: the better one, and the other one beside it, each in a buffer of its own', async () => {
    // One tree is no match for a network.
    const options = { ...OPTIONS, boosting: { rounds: 1 }, learners: LEARNER_KINDS, neural: { epochs: 25 } };
    const result = madeBy(
      await pool().train({ type: 'train_given', columns: packObservations(history(2000)), options }),
    );
    const { runnerUp } = result;
    if (runnerUp === undefined) throw new Error('two were trained');
    expect([result.learner, runnerUp.learner].sort()).toStrictEqual([...LEARNER_KINDS]);
    for (const { learner, buffer, report } of [result, runnerUp]) {
      expect(openSecondLayer(learner, buffer).kind).toBe(learner);
      expect(report.heldOut.rows).toBe(400);
    }
    expect(result.learner).toBe('neural_network');
    expect(result.report.heldOut.medianError.withModel).toBeLessThan(runnerUp.report.heldOut.medianError.withModel);
    expect(result.report.rival).toMatchObject({ learner: 'boosted_trees', challenged: { rows: 400 } });
  });

  test('too few rows are no failure, and no model', async () => {
    const threads = pool();
    expect(await threads.train(given(10))).toStrictEqual({ type: 'too_few_samples', samples: 10, needed: 1000 });
    expect(threads.status).toMatchObject({ completed: 1, failed: 0 });
  });

  test('judges the new model against the one that serves, on rows that neither saw', async () => {
    const threads = pool();
    const serving = madeBy(await threads.train(given(1200)));
    const task = { ...given(1500), incumbent: { learner: serving.learner, buffer: serving.buffer } };
    const { report } = madeBy(await threads.train(task));
    expect(report.incumbent?.alone).toMatchObject({ rows: 300 });
    expect(report.incumbent?.challenged.difference).toBeLessThan(0.05);
    const damaged = { ...given(1000), incumbent: { learner: serving.learner, buffer: new ArrayBuffer(8) } };
    expect(madeBy(await threads.train(damaged)).report.incumbent).toBeUndefined();
  });

  test('reads what it learns from by itself, from the LMDB that the host writes to', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'pitwall training '));
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
    const store = await openStore({ dataDir, now: () => START_US, retentionHours: 168, onWarning: () => {} });
    onTestFinished(() => store.close());
    const stored = history(3000).map((observation, index) => toRecord(observation, index));
    await store.append(stored);
    const failures = stored.slice(0, 200).map((record) => ({
      ...record,
      transferId: `failed ${record.transferId}`,
      outcome: 'failed' as const,
      latencyUs: 1,
    }));
    await store.append(failures);
    await store.append(
      stored.map((record) => ({ ...record, pool: 'other', transferId: `other ${record.transferId}` })),
    );
    const path = join(dataDir, 'lmdb');
    const options = OPTIONS;
    const threads = pool();
    const { buffer, report, readMs, libraries } = madeBy(
      await threads.train({ type: 'train_stored', path, pool: 'ml', limit: 2000, options }),
    );
    // The newest of its own pool, successes alone.
    expect(report.rows).toBe(2000);
    expect(readMs).toBeGreaterThan(0);
    expect(libraries).toMatchObject({ 'ml-cart': expect.stringMatching(/^2\./), node: process.versions.node });
    expect(report).toMatchObject({ fromMs: (stored[1000]?.timestampUs ?? 0) / 1000, seed: 1 });
    expect(new CompiledTrees(buffer).meta.dataTypes).toStrictEqual(['tensor']);
    expect(report.heldOut.medianError.withModel).toBeLessThan(report.heldOut.medianError.costModel);
    // The same rows handed over come to the same model, bit for bit.
    const columns = packObservations(stored.slice(-2000).map(toSeen));
    const handed = madeBy(await threads.train({ type: 'train_given', columns, options }));
    expect(Buffer.from(handed.buffer).equals(Buffer.from(buffer))).toBe(true);
    // The host writes on while others read.
    await store.append([{ ...stored[0], transferId: 'after' } as TransferRecord]);
    expect(store.count({ pool: 'ml' })).toBe(3201);
  });

  test('a store that is not there is an error', async () => {
    await expect(pool().train(task('ml'))).rejects.toMatchObject({ code: 'PITWALL_TRAINING_FAILED' });
  });

  test('the host turns on while a thread trains', async () => {
    const training = given(8_000);
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

/** V8 ends a process in some ways to run out of memory and a thread in others: twenty in a row by command, three in the suite. */
const TIMES = Number(process.env.PITWALL_FAULTS ?? 3);

describe('a training that misbehaves costs itself alone', () => {
  test.each([
    ['throws', 'PITWALL_TRAINING_FAILED'],
    ['exits', 'PITWALL_TRAINING_FAILED'],
    ['rejects late', 'PITWALL_TRAINING_FAILED'],
    ['kills its process', 'PITWALL_TRAINING_FAILED'],
    ['aborts', 'PITWALL_TRAINING_OUT_OF_MEMORY'],
    ['hangs', 'PITWALL_TRAINING_TIMEOUT'],
    ['never answers', 'PITWALL_TRAINING_TIMEOUT'],
  ])('one that %s is reported as %s, and the next one works', async (misbehaviour, code) => {
    const threads = pool({ file: MISBEHAVING, timeoutMs: code.endsWith('TIMEOUT') ? 500 : 60_000 });
    await expect(threads.train(task(misbehaviour))).rejects.toMatchObject({ code });
    expect(threads.status).toMatchObject({ running: 0, failed: 1, failuresInARow: 1 });
    const patient = pool({ file: MISBEHAVING });
    await expect(patient.train(task('answers'))).resolves.toMatchObject({ readMs: 0 });
  });

  test.each(['eats memory', 'eats memory where V8 aborts'])(
    'one that %s, again and again: the host goes on, and so do trainings',
    async (misbehaviour) => {
      const threads = pool({ file: MISBEHAVING, memoryLimitMb: 24 });
      for (let time = 0; time < TIMES; time += 1) {
        await expect(threads.train(task(misbehaviour))).rejects.toMatchObject({
          code: 'PITWALL_TRAINING_OUT_OF_MEMORY',
        });
      }
      await expect(threads.train(task('answers'))).resolves.toMatchObject({ readMs: 0 });
      expect(threads.status).toMatchObject({ failed: TIMES, failuresInARow: 0 });
    },
  );

  test('one whose process is killed from outside, while it trains and while it is idle', async () => {
    const threads = pool({ file: MISBEHAVING });
    await threads.train(task('answers'));
    const killed = (): void => {
      for (const pid of threads.status.pids) process.kill(pid, 'SIGKILL');
    };
    const training = threads.train(task('hangs'));
    const refusal = expect(training).rejects.toMatchObject({
      code: 'PITWALL_TRAINING_FAILED',
      message: expect.stringContaining('SIGKILL'),
    });
    killed();
    await refusal;
    await threads.train(task('answers'));
    killed();
    await expect.poll(() => threads.status.pids).toStrictEqual([]);
    await expect(threads.train(task('answers'))).resolves.toMatchObject({ readMs: 0 });
  });

  test('neither keeps its host alive nor outlives it', async () => {
    const host = fileURLToPath(new URL('./threads/host.mjs', import.meta.url));
    for (const how of ['ends', 'closes', 'is killed']) {
      const { stdout } = await promisify(execFile)(process.execPath, [host, how]).catch((error) => error);
      // Whoever waits for the end of it gets there.
      expect(stdout.endsWith(' closed')).toBe(how === 'closes');
      const pid = Number.parseInt(stdout, 10);
      expect(pid).toBeGreaterThan(0);
      await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
    }
  });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie that nobody has waited for is dead.
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

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
    const threads = pool({ file });
    await expect(threads.train(task('answers'))).rejects.toMatchObject({ code: 'PITWALL_TRAINING_FAILED' });
  });
});
