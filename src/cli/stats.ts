/** `pitwall stats`: per pool, what was moved, by which lane, and how long it took. */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { InvalidArgumentError } from '../errors.ts';
import type { RangeStatistics } from '../metrics/statistics.ts';
import { openStore } from '../metrics/store.ts';
import { readDuration } from './duration.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      'data-dir': { type: 'string', default: './pitwall-data' },
      pool: { type: 'string' },
      since: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const dataDir = values['data-dir'];
  if (!existsSync(dataDir))
    throw new InvalidArgumentError('--data-dir', dataDir, 'the data directory of a pitwall host');
  const nowUs = Date.now() * 1000;
  const fromUs = values.since === undefined ? 0 : nowUs - readDuration('--since', values.since) * 1000;
  const store = await openStore({
    dataDir,
    now: () => Date.now() * 1000,
    onWarning: (warning) => console.error(warning),
  });
  try {
    const pools = store.pools().filter((pool) => values.pool === undefined || pool === values.pool);
    const found = pools.map((pool) => store.statistics({ pool, fromUs, groupBy: 'method' }));
    if (values.json) console.log(JSON.stringify(found));
    else if (found.length === 0) console.log('nothing was recorded yet');
    for (const statistics of values.json ? [] : found) {
      console.log(
        `${statistics.pool}: ${statistics.count} transfers, ${bytes(statistics.bytes)}, ${statistics.failed} failed, ${statistics.fallback} fallbacks`,
      );
      for (const [method, lane] of groupsOf(statistics.groups)) console.log(`  ${method.padEnd(10)} ${laneLine(lane)}`);
    }
    return 0;
  } finally {
    await store.close();
  }
}

/** A reader must not clean up what its host still wants. */
const FOR_EVER_HOURS = 1e6;

function groupsOf(groups: unknown): [string, RangeStatistics][] {
  if (groups instanceof Map) return [...groups];
  return typeof groups === 'object' && groups !== null ? Object.entries(groups) : [];
}

function laneLine({ count, quantities }: RangeStatistics): string {
  const latency = quantities.latencyUs;
  if (!latency) return `${count} transfers`;
  const ms = (us: number): string => `${(us / 1000).toFixed(2)} ms`;
  return `${count} transfers, mean ${ms(latency.mean)}, p50 ${ms(latency.p50)}, p95 ${ms(latency.p95)}, p99 ${ms(latency.p99)}`;
}

function bytes(size: number): string {
  return size >= 1e9 ? `${(size / 1e9).toFixed(2)} GB` : `${(size / 1e6).toFixed(1)} MB`;
}
