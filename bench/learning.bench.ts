/** The second layer in service: what a prediction and a decision by trees cost, and what a training costs the host's event loop. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { decide } from '../src/decision/decide.ts';
import { BoostedModel } from '../src/learning/boosted-model.ts';
import { CostModel } from '../src/learning/cost-model.ts';
import { seededRandom } from '../src/learning/random.ts';
import type { Observation } from '../src/learning/types.ts';
import { packObservations } from '../src/workers/observation-columns.ts';
import { TrainingPool } from '../src/workers/training-pool.ts';
import { NOW_MS, policy, pool, request, resources } from '../test/decision/machine.ts';
import { MACHINE, observe, randomSize } from '../test/learning/synthetic.ts';
import { atMost, type BenchRow, percentile } from './row.ts';

const ROWS = 100_000;
const CALLS = 100_000;

export async function run(): Promise<BenchRow[]> {
  const rows = history();
  const threads = new TrainingPool({ nowMs: () => performance.now() });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const startMs = performance.now();
  const columns = packObservations(rows);
  const packedMs = performance.now() - startMs;
  const trained = await threads.train({ type: 'train_given', columns, options: { statistic: 'median' } });
  if (trained.type !== 'trained') throw new Error('too few rows');
  const { buffer, report } = trained;
  const seconds = (performance.now() - startMs) / 1000;
  delay.disable();
  await threads.close();

  const cost = new CostModel();
  for (const row of rows.slice(0, 5_000)) cost.learn(row);
  const snapshot = cost.snapshot();
  const model = new BoostedModel(buffer, { modelId: 'bench', requiredConfidence: 0.5 }).snapshot(snapshot);
  const trees = report.trees.grpc + report.trees.zeroCopy;
  const snapshotOf = pool({
    costModel: snapshot,
    model,
    rolloutStage: 'adaptive',
    policy: policy({ explorationRate: 0.05 }),
  });
  const random = seededRandom(2);
  const machine = resources();
  const requests = rows
    .slice(0, 1_000)
    .map((row) => request({ dataSize: 10_000 + row.dataSize, dataType: row.dataType }));
  const prediction = times((i) => model.estimate('grpc', rows[i % ROWS] ?? FIRST));
  const decision = times((i) => decide(requests[i % 1_000] ?? request(), snapshotOf, machine, NOW_MS, random, 'id'));
  return [
    { name: 'trees, both lanes', value: trees, unit: '' },
    atMost('prediction of one lane, p50', prediction.p50, 'us', 10),
    atMost('decision by trees, p50', decision.p50, 'us', 5),
    atMost('decision by trees, p99', decision.p99, 'us', 20),
    { name: 'training on 100 000 rows', value: seconds, unit: 's' },
    { name: 'of it packing the rows, in the host', value: packedMs, unit: 'ms' },
    // What the histogram adds of its own resolution is taken off.
    atMost('event-loop delay while training, p99', Math.max(0, delay.percentile(99) / 1e6 - 1), 'ms', 10),
  ];
}

const FIRST = observe(MACHINE, 'grpc', 1, seededRandom(3));

/** Half the day gRPC takes twice as long: something that trees can see and a line cannot. */
function history(): Observation[] {
  const random = seededRandom(1);
  const types = ['tensor', 'dataframe', 'json', 'binary'];
  return Array.from({ length: ROWS }, (_, index) => {
    const row = observe(MACHINE, random() < 0.5 ? 'grpc' : 'zero_copy', randomSize(random), random, {
      features: {
        dataType: types[index % 4] ?? 'tensor',
        compression: random() < 0.15,
        warm: random() < 0.5,
        systemLoad: random(),
        hourOfDay: Math.floor(index / 4_000) % 24,
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
