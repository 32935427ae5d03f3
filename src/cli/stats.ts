/** `pitwall stats`: per pool, what was moved, by which lane, and how long it took. */
import { parseArgs } from 'node:util';
import type { RangeStatistics } from '../metrics/statistics.ts';
import { DATA_DIR, openDataFolder } from './data-folder.ts';
import { readDuration } from './duration.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      'data-dir': DATA_DIR,
      pool: { type: 'string' },
      since: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const fromUs = values.since === undefined ? 0 : (Date.now() - readDuration('--since', values.since)) * 1000;
  const store = await openDataFolder(values['data-dir'], 'existing');
  try {
    const pools = store.pools().filter((pool) => values.pool === undefined || pool === values.pool);
    const found = pools.map((pool) => ({
      all: store.statistics({ pool, fromUs }),
      lanes: (['zero_copy', 'grpc'] as const).map((method) => store.statistics({ pool, fromUs, method })),
    }));
    if (values.json) console.log(JSON.stringify(found.map(({ all, lanes }) => ({ ...all, lanes }))));
    else if (found.length === 0) console.log('nothing was recorded yet');
    else for (const { all, lanes } of found) console.log([poolLine(all), ...lanes.map(laneLine)].join('\n'));
    return 0;
  } finally {
    await store.close();
  }
}

function poolLine({ pool, count, bytes, failed, fallback }: RangeStatistics & { readonly pool: string }): string {
  return `${pool}: ${count} transfers, ${formatBytes(bytes)}, ${failed} failed, ${fallback} fallbacks`;
}

function laneLine({ count, quantities }: RangeStatistics, index: number): string {
  const lane = (index === 0 ? 'zero-copy' : 'gRPC').padEnd(10);
  const latency = quantities.latencyUs;
  if (!latency) return `  ${lane} ${count} transfers`;
  const ms = (us: number): string => `${(us / 1000).toFixed(2)} ms`;
  return `  ${lane} ${count} transfers, mean ${ms(latency.mean)}, p50 ${ms(latency.p50)}, p95 ${ms(latency.p95)}, p99 ${ms(latency.p99)}`;
}

function formatBytes(size: number): string {
  return size >= 1e9 ? `${(size / 1e9).toFixed(2)} GB` : `${(size / 1e6).toFixed(1)} MB`;
}
