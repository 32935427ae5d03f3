/** `pitwall check`: do service levels hold? An exit code for pipelines, and the figures behind it. */
import type { MetricsStore, StatisticsQuery, TimeRange } from '../metrics/store-types.ts';
import { type Command, defineCommand, EXIT } from './command.ts';
import { DATA_DIR, openDataFolder } from './data-folder.ts';
import { exitCodeOf, type Judgement, judge } from './judgement.ts';
import { OBJECTIVE_NAMES, type Objective, readObjectives } from './objective.ts';
import { METHOD, POOL, readMethod, readPools } from './pool-names.ts';
import { NOTHING, significant } from './quantity.ts';
import { rangeText } from './stats-tables.ts';
import { printable, table } from './text.ts';
import { formatTime, RANGE_OPTIONS, readRange } from './time-range.ts';
import { UsageError } from './usage-error.ts';

export const command: Command = defineCommand({
  options: {
    slo: {
      type: 'string',
      multiple: true,
      value: 'NAME=LIMIT',
      meaning: `an objective: ${OBJECTIVE_NAMES.join(', ')}`,
    },
    'data-dir': DATA_DIR,
    pool: POOL,
    method: METHOD,
    ...RANGE_OPTIONS,
    'min-count': { type: 'string', value: 'N', meaning: 'records that a figure must rest on to be judged; default 1' },
    json: { type: 'boolean', default: false, meaning: 'one JSON object' },
  },
  notes: [
    'Latencies (us, ms, s), error-rate and fallback-rate (0.1% or 0.001) must not lie above their limit, throughput (kBps, MBps, GBps) and',
    'count not below. Each pool is judged by itself; without --pool, pools that have no records in that time are passed over.',
    'Latency and throughput are over successful transfers, throughput the mean of each one. error-rate is failed of failed and successful',
    'records; a zero-copy leg that gRPC saved is a failed record, and its gRPC leg a fallback.',
    'Quantiles are within 1 % of what was measured: they are judged as they are, and marked where that error could turn the verdict.',
    '',
    'Exit codes: 0 all hold; 1 one does not; 2 there is no data to judge by, or the call is wrong.',
  ],
  examples: [
    ['pitwall check --slo p99=20ms --slo error-rate=0.1%', 'every pool, since the first record'],
    [
      'pitwall check --pool ml --since 1h --slo p99.9=50ms --slo throughput=100MBps --min-count 1000',
      'after a load test',
    ],
    ['pitwall check --method grpc --slo mean=5ms --json', 'one lane, for a script'],
  ],
  async run(values) {
    const objectives = readObjectives(values.slo ?? []);
    const minCount = values['min-count'] === undefined ? undefined : readCount(values['min-count']);
    const method = readMethod(values.method);
    const range: TimeRange & Pick<StatisticsQuery, 'method'> = {
      ...readRange(values, Date.now() * 1000),
      ...(method === undefined ? {} : { method }),
    };
    const store = await openDataFolder(values['data-dir'], 'existing');
    try {
      const pools = readPools(store, values.pool);
      const found = pools.map((pool) => judgePool(store, { ...range, pool }, objectives, minCount ?? 1));
      // A pool that nobody named and that was idle has nothing to say, unless a number of records is asked for.
      const strict =
        values.pool !== undefined || minCount !== undefined || objectives.some(({ name }) => name === 'count');
      return report(found, (pool) => !strict && pool.records === 0, values.json);
    } finally {
      await store.close();
    }
  },
});

interface PoolJudgement {
  readonly query: StatisticsQuery;
  readonly records: number;
  readonly judgements: readonly Judgement[];
}

function judgePool(
  store: MetricsStore,
  query: StatisticsQuery,
  objectives: readonly Objective[],
  minCount: number,
): PoolJudgement {
  const statistics = store.statistics(query);
  return {
    query,
    records: statistics.count,
    judgements: objectives.map((objective) => judge(objective, statistics, minCount)),
  };
}

function report(
  found: readonly PoolJudgement[],
  isPassedOver: (pool: PoolJudgement) => boolean,
  json: boolean,
): number {
  const judged = found.filter((pool) => !isPassedOver(pool));
  const idle = found.filter(isPassedOver).map(({ query }) => query.pool);
  const code = exitCodeOf(judged.flatMap(({ judgements }) => judgements));
  if (json) console.log(JSON.stringify({ verdict: VERDICTS.get(code), pools: judged.map(poolJson), idle }));
  else {
    const texts = [
      ...judged.map(poolText),
      ...idle.map((pool) => `${printable(pool)}: no records in that time, passed over`),
    ];
    if (texts.length > 0) console.log(texts.join('\n\n'));
  }
  if (code === EXIT.usage) console.error(`pitwall: no verdict: ${whyNot(judged)}`);
  return code;
}

const VERDICTS: ReadonlyMap<number, string> = new Map([
  [EXIT.ok, 'holds'],
  [EXIT.no, 'violated'],
  [EXIT.usage, 'no verdict'],
]);

function whyNot(judged: readonly PoolJudgement[]): string {
  const lacking = judged.flatMap(({ query, judgements }) =>
    judgements
      .filter(({ verdict }) => verdict === 'no data' || verdict === 'too few')
      .map(
        ({ objective, verdict }) =>
          `${printable(query.pool)} has ${verdict === 'no data' ? 'no data' : 'too few records'} for ${objective.name}`,
      ),
  );
  return lacking.length === 0 ? 'there are no records in that time' : lacking.join(', ');
}

function poolText({ query, records, judgements }: PoolJudgement): string {
  const lane = query.method === undefined ? '' : `, ${query.method} alone`;
  const rows = judgements.map(({ objective, measured, margin, close, verdict }) => [
    objective.name,
    measured === undefined ? NOTHING : objective.format(measured.value),
    `${objective.bound === 'most' ? '<=' : '>='} ${objective.text}`,
    margin === undefined ? NOTHING : formatMargin(margin),
    String(measured?.count ?? 0),
    close ? `${verdict}, within the 1 % error of the figure` : verdict,
  ]);
  const lines = table(
    [
      { title: 'objective', align: 'left' },
      { title: 'measured' },
      { title: 'limit' },
      { title: 'margin' },
      { title: 'records' },
      { title: 'verdict', align: 'left' },
    ],
    rows,
  );
  return [
    `${printable(query.pool)}: ${records} records${lane}${rangeText(query)}`,
    ...lines.map((line) => `  ${line}`),
  ].join('\n');
}

function formatMargin(margin: number): string {
  return `${margin < 0 ? '-' : '+'}${significant(Math.abs(margin) * 100)} %`;
}

function poolJson({ query, records, judgements }: PoolJudgement) {
  return {
    ...query,
    from: query.fromUs === undefined ? null : formatTime(query.fromUs),
    to: query.toUs === undefined ? null : formatTime(query.toUs),
    records,
    objectives: judgements.map(({ objective, measured, margin, close, verdict }) => ({
      objective: objective.name,
      bound: objective.bound,
      limit: objective.limit,
      limitText: objective.text,
      measured: measured?.value ?? null,
      records: measured?.count ?? 0,
      margin: margin ?? null,
      withinError: close,
      verdict: verdict.replace(' ', '_'),
    })),
  };
}

function readCount(text: string): number {
  if (!/^\d{1,15}$/.test(text) || Number(text) < 1) {
    throw new UsageError(`--min-count: expected a whole number of records, at least 1, got ${JSON.stringify(text)}`);
  }
  return Number(text);
}
