/** The second layer in service: what a prediction and a decision by each learner cost, and what a training costs the host's event loop. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { decide } from '../src/decision/decide.ts';
import { BoostedModel } from '../src/learning/boosted-model.ts';
import { CostModel } from '../src/learning/cost-model.ts';
import { seededRandom } from '../src/learning/random.ts';
import { LEARNER_KINDS } from '../src/learning/second-layer.ts';
import type { TrainedLayer } from '../src/learning/train-model.ts';
import type { Observation } from '../src/learning/types.ts';
import type { TransferRecord } from '../src/metrics/record.ts';
import { openStore } from '../src/metrics/store.ts';
import { TrainingPool } from '../src/workers/training-pool.ts';
import { NOW_MS, policy, pool, request, resources } from '../test/decision/machine.ts';
import { MACHINE, observe, randomSize } from '../test/learning/synthetic.ts';
import { record } from '../test/metrics/support/records.ts';
import { atMost, type BenchRow, percentile } from './row.ts';

const ROWS = 100_000;
const CALLS = 100_000;

export async function run(): Promise<BenchRow[]> {
  const rows = history();
  const { trained, seconds, delayMs } = await trainFromStore(rows);
  const layers = [trained, trained.runnerUp].filter((layer) => layer !== undefined);
  const byTrees = layers.find(({ learner }) => learner === 'boosted_trees') ?? trained;
  const byNetwork = layers.find(({ learner }) => learner === 'neural_network') ?? trained;

  const cost = new CostModel();
  for (const row of rows.slice(0, 5_000)) cost.learn(row);
  const snapshot = cost.snapshot();
  const { trees } = byTrees.report;
  const random = seededRandom(2);
  const machine = resources();
  const requests = rows
    .slice(0, 1_000)
    .map((row) => request({ dataSize: 10_000 + row.dataSize, dataType: row.dataType }));
  const timed = ({ buffer, learner }: TrainedLayer) => {
    const model = new BoostedModel(buffer, { modelId: 'bench', learner, requiredConfidence: 0.5 }).snapshot(snapshot);
    const snapshotOf = pool({
      costModel: snapshot,
      model,
      rolloutStage: 'adaptive',
      policy: policy({ explorationRate: 0.05 }),
    });
    return {
      prediction: times((i) => model.estimate('grpc', rows[i % ROWS] ?? FIRST)),
      decision: times((i) => decide(requests[i % 1_000] ?? request(), snapshotOf, machine, NOW_MS, random, 'id')),
    };
  };
  const ofTrees = timed(byTrees);
  const ofNetwork = timed(byNetwork);
  return [
    { name: 'trees, both lanes', value: trees.grpc + trees.zeroCopy, unit: '' },
    atMost('prediction of one lane, p50', ofTrees.prediction.p50, 'us', 10),
    atMost('decision by trees, p50', ofTrees.decision.p50, 'us', 5),
    atMost('decision by trees, p99', ofTrees.decision.p99, 'us', 20),
    atMost('prediction by the network, p50', ofNetwork.prediction.p50, 'us', 10),
    atMost('decision by the network, p50', ofNetwork.decision.p50, 'us', 5),
    atMost('decision by the network, p99', ofNetwork.decision.p99, 'us', 20),
    { name: 'epochs of the network', value: byNetwork.report.network?.epochs ?? 0, unit: '' },
    atMost('training both learners on 100 000 stored rows, process and all', seconds, 's', 5),
    { name: 'of it reading the rows from LMDB', value: trained.readMs / 1000, unit: 's' },
    { name: 'processor time of the training process', value: trained.cpuMs / 1000, unit: 's' },
    atMost('event-loop delay while training, p99', delayMs, 'ms', 10),
  ];
}

/** As the learner has it done: a process reads the store that the host has open. */
async function trainFromStore(rows: readonly Observation[]) {
  const dataDir = mkdtempSync(join(tmpdir(), 'pitwall-bench-'));
  // Neither a store nor a training keeps its host alive.
  const alive = setInterval(() => {}, 1_000);
  const store = await openStore({ dataDir, now: () => START_US, retentionHours: 168, onWarning: () => {} });
  const threads = new TrainingPool({ nowMs: () => performance.now() });
  try {
    const records = rows.map(toStored);
    for (let from = 0; from < records.length; from += BATCH) await store.append(records.slice(from, from + BATCH));
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const startMs = performance.now();
    const path = join(dataDir, 'lmdb');
    const options = { statistic: 'median', learners: LEARNER_KINDS } as const;
    const trained = await threads.train({ type: 'train_stored', path, pool: 'ml', limit: ROWS, options });
    const seconds = (performance.now() - startMs) / 1000;
    delay.disable();
    if (trained.type !== 'trained') throw new Error('too few rows');
    // What the histogram adds of its own resolution is taken off.
    return { trained, seconds, delayMs: Math.max(0, delay.percentile(99) / 1e6 - 1) };
  } finally {
    clearInterval(alive);
    await threads.close();
    await store.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

const BATCH = 4_096;
const START_US = Date.UTC(2026, 0, 1) * 1000;

/** One a second. */
function toStored(observation: Observation, index: number): TransferRecord {
  const { hourOfDay: _hour, atMs: _at, dataType: _type, format: _format, ...rest } = observation;
  return record({
    ...rest,
    dataType: TYPES[index % TYPES.length] ?? 'tensor',
    transferId: `t${index}`,
    timestampUs: START_US + index * 1_000_000,
    throughputMBps: observation.dataSize / observation.latencyUs,
  });
}

const TYPES = ['tensor', 'dataframe', 'json', 'binary'] as const;

const FIRST = observe(MACHINE, 'grpc', 1, seededRandom(3));

/** Half the day gRPC takes twice as long: something that trees can see and a line cannot. */
function history(): Observation[] {
  const random = seededRandom(1);
  return Array.from({ length: ROWS }, (_, index) => {
    const row = observe(MACHINE, random() < 0.5 ? 'grpc' : 'zero_copy', randomSize(random), random, {
      features: {
        dataType: TYPES[index % 4] ?? 'tensor',
        compression: random() < 0.15,
        warm: random() < 0.5,
        systemLoad: random(),
        hourOfDay: Math.floor(index / 3_600) % 24,
      },
    });
    return row.hourOfDay < 12 ? { ...row, latencyUs: row.latencyUs * 2 } : row;
  });
}

function times(call: (index: number) => unknown): { p50: number; p99: number } {
  for (let i = 0; i < CALLS; i += 1) call(i);
  const timesUs = new Float64Array(CALLS);
  for (let i = 0; i < CALLS; i += 1) {
    const startMs = performance.now();
    call(i);
    timesUs[i] = (performance.now() - startMs) * 1000;
  }
  timesUs.sort();
  return { p50: percentile(timesUs, 0.5), p99: percentile(timesUs, 0.99) };
}
