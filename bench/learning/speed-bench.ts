/** Times of the learner's parts on this machine, beside a unit of its own (Math.exp), since machines differ. No arguments. */
import { BoostedModel } from '../../src/learning/boosted-model.ts';
import { CostModel } from '../../src/learning/cost-model.ts';
import { seededRandom } from '../../src/learning/random.ts';
import { trainModel } from '../../src/learning/train-model.ts';
import { MACHINE, observe, randomSize } from '../../test/learning/synthetic.ts';

const random = seededRandom(1);
const types = ['tensor', 'dataframe', 'json', 'binary'];
const rows = Array.from({ length: 100_000 }, (_, index) =>
  observe(MACHINE, random() < 0.5 ? 'grpc' : 'zero_copy', randomSize(random), random, {
    features: {
      dataType: types[index % 4] ?? 'tensor',
      compression: random() < 0.15,
      inFlight: random() < 0.7 ? 1 : 1 + Math.floor(8 * random()),
      warm: random() < 0.5,
      systemLoad: random(),
      hourOfDay: Math.floor(index / 4000) % 24,
    },
  }),
);

function timed(name: string, count: number, run: () => unknown): void {
  run();
  const times = Array.from({ length: 3 }, () => {
    const start = process.hrtime.bigint();
    run();
    return Number(process.hrtime.bigint() - start) / count;
  });
  console.log(
    `${name.padEnd(44)} ${Math.min(...times)
      .toFixed(0)
      .padStart(8)} ns (best of 3)`,
  );
}

let sink = 0;
timed('Math.exp, the unit', 1e6, () => {
  for (let i = 0; i < 1e6; i += 1) sink += Math.exp(i & 7);
});
const model = new CostModel();
timed('cost model: learn', 5000, () => {
  for (const row of rows.slice(0, 5000)) model.learn(row);
});
timed('cost model: snapshot', 2000, () => {
  for (let i = 0; i < 2000; i += 1) model.snapshot();
});
timed('cost model: snapshot and first compare', 2000, () => {
  for (let i = 0; i < 2000; i += 1) model.snapshot().compare?.(rows[i] ?? FIRST);
});
const FIRST = rows[0] ?? observe(MACHINE, 'grpc', 1, random);
const snapshot = model.snapshot();
timed('cost model: estimate', 1e5, () => {
  for (const row of rows) sink += snapshot.estimate(row.method, row).latencyUs;
});
timed('cost model: compare', 1e5, () => {
  for (const row of rows) sink += snapshot.compare?.(row).logRatio ?? 0;
});
timed('cost model: choose', 1e5, () => {
  for (const row of rows)
    sink += snapshot.choose?.(row, { statistic: 'mean', explorationRate: 0.05, random: 0.3 }).propensity ?? 0;
});
const start = process.hrtime.bigint();
const night = rows.map((row) => (row.hourOfDay < 12 ? { ...row, latencyUs: row.latencyUs * 2 } : row));
const { buffer, report } = trainModel(night, { statistic: 'median' });
console.log(`training on 100 000 rows: ${(Number(process.hrtime.bigint() - start) / 1e9).toFixed(2)} s`);
console.log(JSON.stringify(report));
const boosted = new BoostedModel(buffer, { modelId: 'bench', requiredConfidence: 0 }).snapshot(snapshot);
timed(`both layers: estimate (${report.trees.grpc} + ${report.trees.zeroCopy} trees)`, 1e5, () => {
  for (const row of rows) sink += boosted.estimate(row.method, row).latencyUs;
});
timed('both layers: compare', 1e5, () => {
  for (const row of rows) sink += boosted.compare?.(row).logRatio ?? 0;
});
if (sink === 1) console.log('');
