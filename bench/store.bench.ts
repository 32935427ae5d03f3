/**
 * The store under load: records a second with aggregates, what a record costs the main thread, how long queries take, bytes a record; raw
 * lmdb puts in the same run as the limit.
 *
 *   npm run bench -- store                                        1 000 000 records, about a minute
 *   PITWALL_BENCH_RECORDS=10000000 npm run bench -- store         the long form, for which the bars are meant: about three minutes, 1 GB of disk
 *   node scripts/run-ts.js bench/store.bench.ts 10000000          the same, this suite alone
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidArgumentError } from '../src/errors.ts';
import type { TransferRecord } from '../src/metrics/record.ts';
import { RecordQueue } from '../src/metrics/record-queue.ts';
import type { MetricsStore, openStore } from '../src/metrics/store.ts';
import { atLeast, atMost, type BenchRow } from './row.ts';

const BATCH = 8192;
const IN_FLIGHT = 2;
const WEEK_US = 168 * 3_600_000_000;
const START_US = 1_760_000_400_000_000;

export async function run(records = recordsAsked(process.env.PITWALL_BENCH_RECORDS)): Promise<BenchRow[]> {
  const directory = mkdtempSync(join(tmpdir(), 'pitwall-bench-'));
  try {
    const raw = await rawPuts(directory, Math.min(records, 1_000_000));
    return [
      queuePush(),
      raw,
      ...(await writeRows(join(directory, 'dense'), Math.min(records, 2_000_000), raw)),
      ...(await queryRows(join(directory, 'week'), records)),
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function recordsAsked(text = '1000000'): number {
  const records = Number(text);
  if (!Number.isInteger(records) || records < 100_000) {
    throw new InvalidArgumentError('records', text, 'an integer of at least 100000');
  }
  return records;
}

function queuePush(): BenchRow {
  const queue = new RecordQueue(1 << 16);
  const [record] = makeBatch(0, 1);
  const rounds = 60;
  let spentMs = 0;
  for (let round = 0; round < rounds && record !== undefined; round += 1) {
    const start = performance.now();
    for (let index = 0; index < 60_000; index += 1) queue.push(record);
    spentMs += performance.now() - start;
    queue.advance('taught', 60_000);
    queue.advance('stored', 60_000);
  }
  return atMost('queue push', (spentMs * 1e6) / (rounds * 60_000), 'ns', 100);
}

/** The peer: one entry of 50 bytes a record, batched by lmdb itself. */
async function rawPuts(directory: string, count: number): Promise<BenchRow> {
  const { open } = await import('lmdb');
  const root = open({ path: join(directory, 'raw'), noSubdir: false, encoding: 'binary' });
  const value = Buffer.alloc(50, 7);
  const start = performance.now();
  for (let index = 0; index < count; index += 1) {
    const written = root.put(['ml', START_US + index, index], value);
    if (index % 20_000 === 0) await written;
  }
  await root.flushed;
  const seconds = (performance.now() - start) / 1000;
  await root.close();
  return { name: 'raw lmdb puts (peer)', value: count / seconds, unit: 'records/s' };
}

/** As fast as it goes: 300 000 records to a second of their own time. */
async function writeRows(directory: string, records: number, raw: BenchRow): Promise<BenchRow[]> {
  const store = await openBuilt(directory);
  const { perSecond, mainThreadUs } = await fill(store, records, 1_000_000 / 300_000);
  const fileBytes = statSync(join(directory, 'lmdb', 'data.mdb')).size;
  await store.close();
  return [
    { ...atLeast('sustained, with aggregates', perSecond, 'records/s', 300_000), peer: raw },
    atMost('main thread per record', mainThreadUs, 'us', 3),
    { name: 'file per record, dense, before cells', value: fileBytes / records, unit: 'bytes' },
  ];
}

/** A week of records, looked after as a runtime does, then asked. */
async function queryRows(directory: string, records: number): Promise<BenchRow[]> {
  const store = await openBuilt(directory);
  await fill(store, records, WEEK_US / records);
  const sealing = performance.now();
  for (let step = 0; step < 10_000 && (await store.retain()).more; step += 1);
  const upkeepMs = performance.now() - sealing;
  const fileBytes = statSync(join(directory, 'lmdb', 'data.mdb')).size;
  const toUs = START_US + WEEK_US - 1_800_000_000;
  const hour = { pool: 'ml', fromUs: toUs - 3_600_000_000, toUs };
  const week = { pool: 'ml', fromUs: START_US + 1, toUs };
  const rows = [
    { name: 'file per record, a week with all aggregates', value: fileBytes / records, unit: 'bytes' },
    { name: 'upkeep per record (in the thread)', value: (upkeepMs * 1000) / records, unit: 'us' },
    atMost(
      'statistics over 1 hour',
      median(() => store.statistics(hour)),
      'ms',
      5,
    ),
    atMost(
      'statistics over a week',
      median(() => store.statistics(week)),
      'ms',
      50,
    ),
    atMost(
      'series of a week by the hour',
      median(() => store.series({ ...week, granularityMs: 3_600_000 })),
      'ms',
      50,
    ),
    {
      name: 'series of a week by the hour, one type',
      value: median(() => store.series({ ...week, granularityMs: 3_600_000, dataType: 'tensor' })),
      unit: 'ms',
    },
    {
      name: 'statistics over 1 hour, one type',
      value: median(() => store.statistics({ ...hour, dataType: 'tensor' })),
      unit: 'ms',
    },
    {
      name: 'statistics over a week, by size band',
      value: median(() => store.statistics({ ...week, groupBy: 'sizeBand' })),
      unit: 'ms',
    },
    { name: 'find by id', value: median(() => store.find(`k3f9a2abcdef-${(records >> 1).toString(36)}`)), unit: 'ms' },
    { name: 'count of all', value: median(() => store.count()), unit: 'ms' },
    { name: 'records stored', value: store.count(), unit: 'records' },
  ];
  await store.close();
  return rows;
}

async function openBuilt(directory: string): Promise<MetricsStore> {
  // The built package: the store's thread is a file beside it.
  const built: { openStore: typeof openStore } = await import(
    new URL('../dist/metrics/store.js', import.meta.url).href
  );
  return built.openStore({
    dataDir: directory,
    now: () => START_US + WEEK_US,
    retentionHours: 168,
    onWarning: (message) => console.error(message),
  });
}

/** Appends records, a few batches in flight. Of this thread the store takes what its event loop was active, less the making of the records. */
async function fill(
  store: MetricsStore,
  records: number,
  everyUs: number,
): Promise<{ perSecond: number; mainThreadUs: number }> {
  const waiting: Promise<void>[] = [];
  let makingMs = 0;
  const activeBefore = performance.eventLoopUtilization().active;
  const start = performance.now();
  for (let from = 0; from < records; from += BATCH) {
    const making = performance.now();
    const batch = makeBatch(from, Math.min(BATCH, records - from), everyUs);
    makingMs += performance.now() - making;
    waiting.push(store.append(batch));
    if (waiting.length >= IN_FLIGHT) await waiting.shift();
  }
  await Promise.all(waiting);
  // Making the records is the benchmark's own work and shares this thread with the store's.
  const seconds = (performance.now() - start - makingMs) / 1000;
  const activeMs = performance.eventLoopUtilization().active - activeBefore - makingMs;
  return { perSecond: records / seconds, mainThreadUs: (activeMs * 1000) / records };
}

const TYPES = ['tensor', 'dataframe', 'json', 'binary'] as const;
const FORMATS = ['numpy', 'arrow', 'json', 'raw'] as const;

function makeBatch(from: number, count: number, everyUs = 1000): TransferRecord[] {
  const records: TransferRecord[] = [];
  for (let index = from; index < from + count; index += 1) {
    const mixed = Math.imul(index, 2_654_435_761) >>> 0;
    const dataSize = 1024 << (mixed % 14);
    const zeroCopy = (mixed & 0x4000) !== 0;
    const type = (mixed >>> 16) & 3;
    const latencyUs = Math.round(
      (zeroCopy ? 250 + dataSize / 8000 : 120 + dataSize / 900) * (0.8 + (mixed >>> 20) / 8192),
    );
    records.push({
      transferId: `k3f9a2abcdef-${index.toString(36)}`,
      timestampUs: START_US + Math.floor(index * everyUs),
      pool: 'ml',
      method: zeroCopy ? 'zero_copy' : 'grpc',
      outcome: 'success',
      reason: 'cost_model',
      dataSize,
      dataType: TYPES[type] ?? 'tensor',
      format: FORMATS[type] ?? 'numpy',
      compression: false,
      latencyUs,
      throughputMBps: dataSize / latencyUs,
      memoryUsed: dataSize,
      cpuTimeUs: 40 + (mixed & 255),
      decisionTimeUs: ((mixed >>> 8) & 31) / 8,
      predictedLatencyUs: latencyUs + 7,
      predictionError: 7 / (latencyUs + 7),
      systemLoad: (mixed & 63) / 64,
      availableMemory: 8_000_000_000,
      warm: zeroCopy ? true : undefined,
      inFlight: 1 + (mixed & 3),
      propensity: 0.95,
      explored: false,
      fallback: false,
      policyVersion: 1,
      setupUs: undefined,
      serializeUs: zeroCopy ? undefined : latencyUs >> 1,
      transportUs: latencyUs >> 2,
      workerUs: undefined,
      cleanupUs: undefined,
      errorCode: undefined,
    });
  }
  return records;
}

/** Median of 15 runs, milliseconds. */
function median(work: () => unknown): number {
  const times: number[] = [];
  for (let round = 0; round < 15; round += 1) {
    const start = performance.now();
    work();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[7] ?? Number.NaN;
}

if (process.argv[1]?.endsWith('store.bench.mjs')) {
  for (const row of await run(recordsAsked(process.argv[2]))) {
    const bar = row.bar === undefined ? '' : `${row.bar} ${row.holds ? 'holds' : 'MISSED'}`;
    const peer = row.peer === undefined ? '' : `(${(row.value / row.peer.value).toPrecision(2)} of ${row.peer.name})`;
    console.log(row.name.padEnd(48), row.value.toPrecision(4).padStart(12), row.unit.padEnd(10), bar, peer);
  }
}
