/** What an experiment adds to a decision, in CPU time, which other work of the machine does not count in: `node scripts/run-ts.js bench/experiments/assignment.bench.ts`. */
import { decide } from '../../src/decision/decide.ts';
import { newSlots, slotOf } from '../../src/decision/experiment.ts';
import type { ExperimentVariant, PoolSnapshot } from '../../src/decision/types.ts';
import { CostModel } from '../../src/learning/cost-model.ts';
import { seededRandom } from '../../src/learning/random.ts';
import { policy, pool, request, resources } from '../../test/decision/machine.ts';

const CALLS = 600_000;
const random = seededRandom(1);
const bare = pool({ costModel: new CostModel().snapshot(), policy: policy({ explorationRate: 0.05 }) });
const split = (variants: readonly Omit<ExperimentVariant, 'name' | 'share'>[]): PoolSnapshot => ({
  ...bare,
  experiment: {
    id: 'e',
    salt: 1,
    slots: newSlots(variants.map(() => 1 / variants.length)),
    variants: variants.map((variant, index) => ({ name: `v${index}`, share: 1 / variants.length, ...variant })),
    scope: { minimumSize: 0, maximumSize: Number.POSITIVE_INFINITY, dataTypes: undefined },
  },
});
const control = { zeroCopyFrom: undefined, pool: undefined };
const sessions = Array.from(
  { length: 1024 },
  (_, n) => `6f1c2b1e-0000-4000-8000-00000000${String(n).padStart(4, '0')}`,
);
const requests = sessions.map((sessionId) => request({ sessionId }));

const cases: readonly (readonly [string, (n: number) => unknown])[] = [
  ['the slot of a session (36 characters)', (n) => slotOf(sessions[n & 1023] ?? '', 1)],
  ['decision, no experiment', (n) => ask(bare, n)],
  ['decision, two variants that change nothing', (n) => ask(A_A, n)],
  ['decision, control and another policy', (n) => ask(POLICY, n)],
  ['decision, control and a fixed lane', (n) => ask(LANE, n)],
];
const A_A = split([control, control]);
const POLICY = split([control, { zeroCopyFrom: undefined, pool: { ...bare } }]);
const LANE = split([control, { zeroCopyFrom: 0, pool: undefined }]);

function ask(snapshot: PoolSnapshot, n: number): unknown {
  const asked = requests[n & 1023];
  return asked && decide(asked, snapshot, MACHINE, MACHINE.atMs, random, 'id');
}
const MACHINE = resources();

for (let round = 0; round < 4; round += 1) {
  for (const [name, call] of cases) {
    const times: number[] = [];
    for (let batch = 0; batch < 30; batch += 1) {
      const before = process.cpuUsage();
      for (let n = 0; n < CALLS / 30; n += 1) call(n);
      const { user, system } = process.cpuUsage(before);
      times.push(((user + system) * 1000) / (CALLS / 30));
    }
    times.sort((a, b) => a - b);
    if (round === 3) console.log(`${name.padEnd(48)} ${(times[15] ?? 0).toFixed(0).padStart(6)} ns`);
  }
}
