/** The two learners where the truth is known and no term of the cost model says it: held-out cost against the cost model, and which of them comes first. Argument: [SEEDS]. */
import { seededRandom } from '../../src/learning/random.ts';
import { LEARNER_KINDS } from '../../src/learning/second-layer.ts';
import { trainModel } from '../../src/learning/train-model.ts';
import type { Lane, Observation } from '../../src/learning/types.ts';
import { MACHINE, observe, randomSize } from '../../test/learning/synthetic.ts';

const ROWS = 4_000;
const [seeds = '3'] = process.argv.slice(2);

/** Factor on gRPC's latency. */
const WORLDS: Readonly<Record<string, (row: Observation) => number>> = {
  'as the cost model has it': () => 1,
  'gRPC 2.5 times slower by night': ({ hourOfDay }) => (hourOfDay < 12 ? 2.5 : 1),
  'gRPC ten times slower from 64 KiB': ({ dataSize }) => (dataSize < 65_536 ? 1 : 10),
  'gRPC slower with load times free memory': ({ systemLoad, availableMemory }) =>
    Math.exp(3 * ((systemLoad ?? 0) - 0.5) * (Math.log2(availableMemory ?? 1) - 33)),
};

console.log('| world | trees: cost | median error | network: cost | median error | comes first |');
console.log('|---|---|---|---|---|---|');
for (const [name, factor] of Object.entries(WORLDS)) {
  const found = LEARNER_KINDS.map(() => ({ difference: 0, error: 0, first: 0 }));
  for (let seed = 1; seed <= Number(seeds); seed += 1) {
    const result = trainModel(history(factor, seed), { statistic: 'median', learners: LEARNER_KINDS, seed });
    for (const [index, learner] of LEARNER_KINDS.entries()) {
      const { heldOut } = (result.learner === learner ? result : (result.runnerUp ?? result)).report;
      const entry = found[index];
      if (entry === undefined) continue;
      entry.difference += heldOut.difference / Number(seeds);
      entry.error += heldOut.medianError.withModel / heldOut.medianError.costModel / Number(seeds);
      entry.first += result.learner === learner ? 1 : 0;
    }
  }
  const told = found.map(({ difference, error }) => `${(100 * difference).toFixed(1)} % | ${error.toFixed(3)}`);
  console.log(`| ${name} | ${told.join(' | ')} | ${found.map(({ first }) => first).join(' : ')} |`);
}

function history(factor: (row: Observation) => number, seed: number): Observation[] {
  const random = seededRandom(seed);
  return Array.from({ length: ROWS }, (_, index) => {
    const lane: Lane = random() < 0.5 ? 'grpc' : 'zero_copy';
    const features = {
      hourOfDay: index % 24,
      systemLoad: random(),
      availableMemory: Math.round(2 ** (32 + 2 * random())),
    };
    const row = observe(MACHINE, lane, randomSize(random), random, { atMs: index, features });
    return { ...row, latencyUs: row.latencyUs * (lane === 'grpc' ? factor(row) : 1), propensity: 0.5 };
  });
}
