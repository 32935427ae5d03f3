/**
 * How often an experiment claims a difference where there is none, looked at after every hundred transfers, and how soon it finds one that is there:
 * `node scripts/run-ts.js bench/experiments/aa.bench.ts [runs] [transfers]`. Default 1 000 runs of 20 000 transfers each.
 */
import { type Run, simulate } from './simulate.ts';

const runs = Number(process.argv[2] ?? 1_000);
const transfers = Number(process.argv[3] ?? 20_000);

function all(options: Partial<Parameters<typeof simulate>[0]>, count = runs): Run[] {
  return Array.from({ length: count }, (_, seed) =>
    simulate({ seed: 1 + seed, transfers, lookEvery: 100, effect: 0, sessionLength: 0, ...options }),
  );
}

const percent = (results: readonly Run[], holds: (run: Run) => boolean): string =>
  `${((100 * results.filter(holds).length) / results.length).toFixed(1)} %`;

console.log(`${runs} runs of ${transfers} transfers, a look every 100\n`);
for (const [name, options] of [
  ['A/A, each request draws', {}],
  ['A/A, sessions of 20', { sessionLength: 20 }],
  ['A/A, 10 % in the treatment', { share: 0.1 }],
] as const) {
  const results = all(options);
  console.log(name);
  console.log(
    `  always-valid claims a difference       ${percent(results, ({ claimedAt }) => claimedAt !== undefined)}`,
  );
  console.log(
    `  Welch at every look                    ${percent(results, (run) => run.naiveClaimedAt !== undefined)}`,
  );
  console.log(`  Welch at the end                       ${percent(results, ({ fixedClaimed }) => fixedClaimed)}`);
  console.log(`  sample-ratio check rings               ${percent(results, ({ mismatch }) => mismatch)}`);
}
for (const sessionLength of [0, 20]) {
  for (const change of [0.02, 0.05, 0.1, 0.2]) {
    const results = all({ effect: Math.log1p(-change), sessionLength }, Math.max(1, Math.round(runs / 4)));
    const found = results.map(({ claimedAt }) => claimedAt ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
    const median = found[found.length >> 1] ?? Number.NaN;
    console.log(
      `${(change * 100).toFixed(0)} % faster, ${sessionLength === 0 ? 'each request draws' : `sessions of ${sessionLength}`}: found in ${percent(results, ({ claimedAt }) => claimedAt !== undefined)}, half of the runs by ${median} transfers; interval missed it in ${percent(results, ({ missed }) => missed)}`,
    );
  }
}
const losing = all({ lost: 0.05 }, Math.max(1, Math.round(runs / 4)));
console.log(
  `5 % of the treatment's transfers lost: the sample-ratio check rings in ${percent(losing, ({ mismatch }) => mismatch)}`,
);
