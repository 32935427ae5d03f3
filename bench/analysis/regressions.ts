/**
 * The tables of docs/regressions.md, in the long form:
 *
 *   nice -n 10 node scripts/run-ts.js bench/analysis/regressions.ts [--weeks 10000] [--busiest 100000] [--kinds 400] [--traces DIRECTORY] [--only pool|kinds|traces]
 *
 * 10 000 weeks of the pool take 40 minutes of one core or more, with `--busiest 10000` ten minutes; the rest a few minutes.
 */
import { parseArgs } from 'node:util';
import { emptyResult, POOL, type PoolResult, simulatePool } from './pool.ts';
import {
  autoregressive,
  bimodal,
  daily,
  logNormal,
  queue,
  Random,
  type Source,
  sizes,
  stalls,
  studentT3,
  wild,
} from './sources.ts';
import { bootstrap, recordedKinds } from './traces.ts';
import { emptyTrial, foundWithin, quantile, type TrialResult, tryKind } from './trial.ts';

const { values } = parseArgs({
  options: {
    weeks: { type: 'string', default: '10000' },
    kinds: { type: 'string', default: '400' },
    busiest: { type: 'string', default: String(POOL.busiest) },
    traces: { type: 'string' },
    only: { type: 'string' },
  },
});

/** Transfers a week of the simulated pool: what false alarms of a single kind are scaled to. */
const POOL_WEEK = 427_000;
const CALM = 25_000;
const PATIENCE = 2_000;
/** Weeks that a simulated pool lives; then it learns anew. */
const WEEKS_OF_A_POOL = 50;

type Make = (random: Random) => Source;

const DISTURBANCES: readonly (readonly [name: string, make: Make])[] = [
  ...[0.1, 0.2, 0.3, 0.4, 0.5].map((s) => [`log-normal, scatter ${s}`, (r: Random) => logNormal(r, s)] as const),
  ...[0.2, 0.3].map((s) => [`Student t, 3 degrees, scatter ${s}`, (r: Random) => studentT3(r, s)] as const),
  ...[0.2, 0.4].map((s) => [`1 % take 10 times as long, ${s}`, (r: Random) => wild(r, s)] as const),
  ...[5, 20, 40].map((n) => [`stalls: ${n} in a row 5 times as long, 0.2`, (r: Random) => stalls(r, 0.2, n)] as const),
  ['two modes, half 2 times as long, 0.1', (r) => bimodal(r, 0.1, 0.5)],
  ['two modes, half 2 times as long, 0.2', (r) => bimodal(r, 0.2, 0.5)],
  ['two modes, a fifth 2 times as long, 0.2', (r) => bimodal(r, 0.2, 0.2)],
  ...[0.2, 0.3, 0.4].flatMap((s) =>
    [0.3, 0.6].map((c) => [`AR(1) ${c}, scatter ${s}`, (r: Random) => autoregressive(r, s, c)] as const),
  ),
  ...[true, false].flatMap((given) =>
    [500, 3_000, 14_000].map(
      (day) =>
        [`daily load, ${day} a day, 0.2, load ${told(given)}`, (r: Random) => daily(r, 0.2, day, given)] as const,
    ),
  ),
  ...[true, false].map(
    (given) => [`sizes within a band, 0.2, ${told(given)}`, (r: Random) => sizes(r, 0.2, given)] as const,
  ),
  ...[true, false].map(
    (given) => [`mix of sizes changes, 0.2, ${told(given)}`, (r: Random) => sizes(r, 0.2, given, 3_000)] as const,
  ),
  ...[true, false].flatMap((given) =>
    [0.3, 0.6, 0.8].map(
      (busy) =>
        [`queue, 2 cores ${busy} busy, in flight ${told(given)}`, (r: Random) => queue(r, 0.2, busy, given)] as const,
    ),
  ),
];

if (values.only === undefined || values.only === 'kinds') {
  heading();
  for (const [name, make] of DISTURBANCES) {
    const result = emptyTrial();
    for (let kind = 0; kind < Number(values.kinds); kind += 1)
      tryKind(make(new Random(kind * 7919 + 17)), { calm: CALM, rise: 1.2, patience: PATIENCE }, result);
    print(name, result);
  }
}
if (values.traces !== undefined && values.only !== 'pool') {
  const kinds = recordedKinds(values.traces);
  console.log(`\n${kinds.length} recorded kinds\n`);
  heading();
  for (const given of [true, false])
    for (const block of [1, 20, 60]) {
      const result = emptyTrial();
      for (const [place, rows] of [...kinds, ...kinds].entries())
        tryKind(
          bootstrap(new Random(place * 31 + 7), rows, block, given),
          { calm: CALM, rise: 1.2, patience: PATIENCE },
          result,
        );
      print(`recorded, blocks of ${block}, circumstances ${told(given)}`, result);
    }
}
if (values.only === undefined || values.only === 'pool') pools(Number(values.weeks));

/** Tells what stands a few times on the way: the whole of it takes long. */
function pools(weeks: number): void {
  const shape = { ...POOL, busiest: Number(values.busiest) };
  const result = emptyResult();
  for (let seed = 0; seed * WEEKS_OF_A_POOL < weeks; seed += 1) {
    simulatePool(shape, { seed, weeks: WEEKS_OF_A_POOL, shifts: 10 }, result);
    if (result.weeks % 1_000 === 0 || result.weeks >= weeks) printPools(result);
  }
}

function printPools(result: PoolResult): void {
  const perWeek = (result.alarms / result.weeks).toFixed(3);
  console.log(
    `\n${result.weeks} weeks of a pool of ${POOL.kinds} kinds, ${Math.round(result.transfers / result.weeks)} transfers a week:`,
    `${perWeek} alarms a week, ${result.weeksAboveOne} weeks with more than one, at most ${result.worstWeek}\n`,
  );
  console.log(
    '| scatter | false alarms per million | rises | found within 200 | median | 95 % |\n|---|---|---|---|---|---|',
  );
  for (const [scatter, tally] of [...result.byScatter].sort(([a], [b]) => a - b)) {
    const found = percent(tally.found / tally.shifts);
    const alarms = ((tally.alarms / tally.transfers) * 1e6).toFixed(2);
    console.log(
      `| ${scatter} | ${alarms} | ${tally.shifts} | ${found} | ${quantile(tally.delays, 0.5)} | ${quantile(tally.delays, 0.95)} |`,
    );
  }
}

function heading(): void {
  console.log(
    '| transfers | false alarms in a pool-week | found within 200 | 500 | 2 000 | median | estimate / truth |\n|---|---|---|---|---|---|---|',
  );
}

function print(name: string, result: TrialResult): void {
  const alarms = ((result.falseAlarms / result.calmTransfers) * POOL_WEEK).toFixed(2);
  const found = [200, 500, 2_000].map((within) => percent(foundWithin(result, within)));
  const estimate = quantile(result.estimates, 0.5).toFixed(2);
  console.log(`| ${name} | ${alarms} | ${found.join(' | ')} | ${quantile(result.delays, 0.5)} | ${estimate} |`);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function told(given: boolean): string {
  return given ? 'told' : 'not told';
}
