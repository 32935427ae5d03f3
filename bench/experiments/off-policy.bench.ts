/**
 * Off-policy estimates against the truth, on traces of which both lanes are known: rows are drawn, their lane is taken as a pool would (its thresholds, with
 * exploration), only its latency is revealed, and another policy's value is estimated from that.
 * `node scripts/run-ts.js bench/experiments/off-policy.bench.ts DIRECTORY [logs] [rows]`. Default: 200 logs of 4 000 rows.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { CostModel } from '../../src/learning/cost-model.ts';
import { seededRandom } from '../../src/learning/random.ts';
import { parseTrace, type TraceRow } from '../../src/learning/trace.ts';
import type { Features, Lane, LatencyEstimate } from '../../src/learning/types.ts';
import { type LoggedChoice, offPolicyValue } from '../../src/metrics/analysis/experiment/off-policy.ts';

const [directory = '.', logs = '200', size = '4000'] = process.argv.slice(2);
const LOGS = Number(logs);
const ROWS = Number(size);
const MIB = 2 ** 20;

const POLICIES: Readonly<Record<string, (row: TraceRow) => Lane>> = {
  'gRPC always': () => 'grpc',
  'zero-copy always': () => 'zero_copy',
  'zero-copy from 1 MiB': ({ dataSize }) => (dataSize >= MIB ? 'zero_copy' : 'grpc'),
};
/** The pool that made the log: the default threshold, and one row in twenty by the other lane. */
const EXPLORATION = 0.05;
const logged = ({ dataSize }: TraceRow): Lane => (dataSize >= 10 * MIB ? 'zero_copy' : 'grpc');

const NAMES = ['ips', 'selfNormalized', 'doublyRobust'] as const;
const COSTS = { mean: (us: number): number => us, geometric: Math.log };

for (const file of ['fresh.jsonl.gz', 'arena.jsonl', 'mixed.jsonl', 'tuned.jsonl']) {
  const bytes = readFileSync(join(directory, file));
  const { rows } = parseTrace((file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8'));
  console.log(`\n${file}: ${rows.length} rows, ${LOGS} logs of ${ROWS}`);
  console.log('policy                 cost      truth     estimator          bias    coverage of 95 %   half width');
  const scores = Object.entries(POLICIES).flatMap(([policy, choose]) =>
    (['mean', 'geometric'] as const).map((cost) => ({
      ...{ policy, choose, cost },
      truth: rows.reduce((sum, row) => sum + COSTS[cost](latency(row, choose(row))), 0) / rows.length,
      found: NAMES.map((name) => ({ name, sum: 0, hits: 0, width: 0 })),
    })),
  );
  for (let log = 0; log < LOGS; log += 1) {
    const random = seededRandom(1 + log);
    const drawn = logOf(rows, random);
    for (const { choose, cost, truth, found } of scores) {
      const choices = drawn.map((row) => choiceOf(row, choose(row.row), cost));
      const value = offPolicyValue(choices, { random, resamples: 300 });
      for (const of of found) {
        const [low, high] = value[of.name].interval;
        of.sum += value[of.name].value / LOGS;
        if (low <= truth && truth <= high) of.hits += 1 / LOGS;
        of.width += (high - low) / 2 / LOGS;
      }
    }
  }
  for (const score of scores) print(score);
}

function print({ policy, cost, truth, found }: Score): void {
  // Of logarithms a difference is a relative error.
  const relative = (difference: number): string =>
    `${((cost === 'mean' ? difference / truth : Math.expm1(difference)) * 100).toFixed(1)} %`;
  for (const [index, { name, sum, hits, width }] of found.entries()) {
    const milliseconds = (cost === 'mean' ? truth : Math.exp(truth)) / 1000;
    const told = index === 0 ? `${policy.padEnd(22)} ${cost.padEnd(9)} ${milliseconds.toPrecision(3)} ms` : '';
    console.log(
      `${told.padEnd(42)} ${name.padEnd(15)} ${relative(sum - truth).padStart(8)} ${`${(hits * 100).toFixed(0)} %`.padStart(18)} ${relative(width).padStart(12)}`,
    );
  }
}

interface Score {
  readonly policy: string;
  readonly cost: 'mean' | 'geometric';
  readonly truth: number;
  readonly found: readonly {
    readonly name: string;
    readonly sum: number;
    readonly hits: number;
    readonly width: number;
  }[];
}

function latency(row: TraceRow, lane: Lane): number {
  return lane === 'grpc' ? row.grpcUs : row.zeroCopyUs;
}

interface Logged {
  readonly row: TraceRow;
  readonly lane: Lane;
  readonly propensity: number;
  readonly estimates: Readonly<Record<Lane, LatencyEstimate>>;
}

function choiceOf(
  { row, lane, propensity, estimates }: Logged,
  target: Lane,
  cost: 'mean' | 'geometric',
): LoggedChoice {
  const estimateOf = (of: Lane): number =>
    cost === 'mean' ? estimates[of].meanLatencyUs : Math.log(estimates[of].latencyUs);
  return {
    cost: COSTS[cost](latency(row, lane)),
    propensity,
    targetProbability: target === lane ? 1 : 0,
    estimatedCost: estimateOf(lane),
    estimatedTargetCost: estimateOf(target),
  };
}

/** Rows drawn from the trace as traffic would bring them; the cost model that learned from the same log estimates. */
function logOf(rows: readonly TraceRow[], random: () => number): Logged[] {
  const model = new CostModel();
  const drawn = Array.from({ length: ROWS }, () => {
    const row = rows[Math.floor(random() * rows.length)];
    if (row === undefined) throw new Error('an empty trace');
    const greedy = logged(row);
    const explored = random() < EXPLORATION;
    const lane: Lane = explored ? (greedy === 'grpc' ? 'zero_copy' : 'grpc') : greedy;
    return { row, lane, propensity: explored ? EXPLORATION : 1 - EXPLORATION };
  });
  for (const { row, lane, propensity } of drawn) {
    const latencyUs = latency(row, lane);
    model.learn({ ...featuresOf(row), method: lane, latencyUs, cpuTimeUs: undefined, atMs: row.atMs, propensity });
  }
  const snapshot = model.snapshot();
  return drawn.map((each) => {
    const features = featuresOf(each.row);
    const estimates = {
      grpc: snapshot.estimate('grpc', features),
      zero_copy: snapshot.estimate('zero_copy', features),
    };
    return { ...each, estimates };
  });
}

function featuresOf(row: TraceRow): Features {
  const { dataSize, dataType, format, compression, systemLoad, availableMemory, inFlight, warmBytes } = row;
  const warm = warmBytes === undefined ? undefined : dataSize <= warmBytes;
  return { dataSize, dataType, format, compression, warm, systemLoad, availableMemory, inFlight, hourOfDay: 4 };
}
