/** `pitwall stats`: per pool, what was moved, by which lane, of which kind, and what it took; or how that went over time. */
import type { MetricsStore, StatisticsQuery } from '../metrics/store-types.ts';
import type { QuantityName } from '../metrics/summary.ts';
import { type Command, defineCommand, EXIT } from './command.ts';
import { DATA_DIR, openDataFolder } from './data-folder.ts';
import { METHOD, POOL, readMethod, readPools } from './pool-names.ts';
import { readQuantities } from './quantity.ts';
import { readGranularity, seriesJson, seriesOfPool, seriesText } from './stats-series.ts';
import { poolStatistics, statisticsJson, statisticsText } from './stats-tables.ts';
import { RANGE_OPTIONS, readRange } from './time-range.ts';
import { UsageError, unknownName } from './usage-error.ts';

const DIMENSIONS = ['method', 'dataType', 'format', 'sizeBand'] as const;
type Dimension = NonNullable<StatisticsQuery['groupBy']>;

export const command: Command = defineCommand({
  options: {
    'data-dir': DATA_DIR,
    pool: POOL,
    method: METHOD,
    by: { type: 'string', value: DIMENSIONS.join('|'), meaning: 'one row for each value of this' },
    quantity: {
      type: 'string',
      multiple: true,
      value: 'NAME',
      meaning: 'what was measured, such as latencyUs, throughputMBps, cpuTimeUs, all; default latencyUs',
    },
    ...RANGE_OPTIONS,
    series: { type: 'string', value: '1m', meaning: 'how it went over time, in steps of 1s..1h' },
    json: {
      type: 'boolean',
      default: false,
      meaning: 'one JSON array, a pool an element, all quantities unless named',
    },
  },
  notes: [
    'Quantiles are within 1 % of what was measured at that rank; count, mean, min and max are exact. All of them are over successful',
    'transfers. A series without a range of time shows the last 60 steps that have records. Nothing in the directory is changed.',
  ],
  examples: [
    ['pitwall stats', 'all pools since the first record, by lane'],
    ['pitwall stats --pool ml --by sizeBand --since 1h', 'where the time of the last hour went'],
    ['pitwall stats --pool ml --series 1m --quantity throughputMBps', 'the last 60 minutes, minute by minute'],
    ['pitwall stats --from 2026-03-01 --to 2026-03-02 --json', 'one day, for a script'],
  ],
  async run(values) {
    const by = readDimension(values.by);
    const method = readMethod(values.method);
    const granularityMs = values.series === undefined ? undefined : readGranularity('--series', values.series);
    if (by !== undefined && granularityMs !== undefined) throw new UsageError('--series: goes without --by');
    const quantities = readQuantities(values.quantity ?? []);
    const nowUs = Date.now() * 1000;
    const range = readRange(values, nowUs);
    const store = await openDataFolder(values['data-dir'], 'existing');
    try {
      const queries = readPools(store, values.pool).map((pool) => ({
        pool,
        ...range,
        ...(method === undefined ? {} : { method }),
      }));
      const print = { json: values.json, quantities };
      if (granularityMs === undefined) printStatistics(store, queries, by, print);
      else printSeries(store, queries, granularityMs, nowUs, print);
      return EXIT.ok;
    } finally {
      await store.close();
    }
  },
});

interface Print {
  readonly json: boolean;
  /** Empty: every one in JSON, the latency in tables. */
  readonly quantities: readonly QuantityName[];
}

const IN_TABLES: readonly QuantityName[] = ['latencyUs'];

function printStatistics(
  store: MetricsStore,
  queries: readonly StatisticsQuery[],
  by: Dimension | undefined,
  { json, quantities }: Print,
): void {
  const found = queries.map((query) => poolStatistics(store, query, by));
  if (json) console.log(JSON.stringify(found.map((each) => statisticsJson(each, quantities))));
  else if (found.length === 0) console.log(NOTHING_YET);
  else {
    const shown = quantities.length === 0 ? IN_TABLES : quantities;
    console.log(found.map((each) => statisticsText(each, shown)).join('\n\n'));
  }
}

function printSeries(
  store: MetricsStore,
  queries: readonly StatisticsQuery[],
  granularityMs: number,
  nowUs: number,
  { json, quantities }: Print,
): void {
  const found = queries.map((query) => seriesOfPool(store, query, granularityMs, nowUs));
  if (json) console.log(JSON.stringify(found.map((each) => seriesJson(each, quantities))));
  else if (found.length === 0) console.log(NOTHING_YET);
  else {
    const shown = quantities.length === 0 ? IN_TABLES : quantities;
    console.log(found.map((each) => seriesText(each, shown)).join('\n\n'));
  }
}

const NOTHING_YET = 'nothing was recorded yet';

function readDimension(text: string | undefined): Dimension | undefined {
  if (text === undefined) return undefined;
  const found = DIMENSIONS.find((dimension) => dimension === text);
  if (found === undefined) throw unknownName('dimension', text, DIMENSIONS);
  return found;
}
