/** Opens the store: durable on LMDB where that works, in memory where it does not. */
import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidArgumentError, PitwallError } from '../errors.ts';
import { examine, glance, seal } from './damage-check.ts';
import { Engine } from './engine.ts';
import { type LmdbKeyValue, openLmdb, storeError } from './lmdb-key-value.ts';
import { MemoryKeyValue } from './memory-key-value.ts';
import { checkVersion, migrate } from './migrations.ts';
import { StandInStore } from './stand-in-store.ts';
import type { MetricsStore } from './store-types.ts';
import { storeThreadFile, ThreadWriter } from './thread-writer.ts';
import { TimeSeriesStore } from './time-series-store.ts';
import { InlineWriter, NoWriter, type StoreWriter } from './writer.ts';

export type {
  CountQuery,
  MetricsStore,
  RecordsQuery,
  RetainOptions,
  RetainResult,
  SeriesQuery,
  StatisticsQuery,
  StoreKind,
  StoreStatus,
  TimeRange,
} from './store-types.ts';

export interface StoreOptions {
  /** Directory that pitwall may write to; made when missing. Several processes of one host may share it. `false`: memory, by choice. */
  readonly dataDir: string | false;
  /** Unix microseconds. */
  readonly now: () => number;
  /** How long records and aggregates are kept, hours. */
  readonly retentionHours: number;
  /** Bytes that the store may take; older hours are given up beyond. Default: only the disk limits it. In memory: 64 MiB. */
  readonly mapSizeLimit?: number;
  /** Told once of each thing that an operator should know: degraded to memory, damaged file moved aside, invalid records. */
  readonly onWarning: (message: string) => void;
  /** Where writes run. Default: a thread of the store's own where its file is found, else the caller's. */
  readonly writer?: 'thread' | 'inline';
  /**
   * Only looks at what is stored, in a directory that need not be writable, beside a live host or none. Default false. Nothing is written (but
   * LMDB's table of readers, where the file system takes one), moved aside, migrated or cleaned up: writes and `retain` reject with
   * PITWALL_STORE_READ_ONLY.
   */
  readonly readOnly?: boolean;
}

/** Bytes that a store in memory takes at most, where it was not asked for more by name. */
export const MEMORY_LIMIT = 64 * 1024 * 1024;
const HOUR_US = 3_600_000_000;

/**
 * Opens the store under `dataDir/lmdb`. Never rejects for the state of the disk: a damaged environment is moved to
 * `dataDir/damaged-<stamp>/` and a fresh one opened; where LMDB or the directory cannot be used, memory serves and `status.kind` says so. A
 * directory that can be used later takes over at the next `retain`. Rejects with InvalidArgumentError for options that make no sense.
 *
 * With `readOnly` there is no substitute for what cannot be read: rejects with InvalidArgumentError where no store is, and with
 * PITWALL_STORE_CORRUPT, PITWALL_STORE_NEWER, PITWALL_STORE_UNAVAILABLE, PITWALL_STORE_READERS_FULL or PITWALL_STORE_FAILED.
 */
export async function openStore(options: StoreOptions): Promise<MetricsStore> {
  checkOptions(options);
  const { dataDir } = options;
  if (options.readOnly === true) return openReadOnly(dataDir, options);
  if (dataDir === false) return memoryStore('no data directory is configured', options);
  try {
    return await openDurable(dataDir, options);
  } catch (error) {
    const failure = storeError(error, 'open the store');
    const reason = `${failure.message} (${failure.code})`;
    options.onWarning(`nothing will survive this process: ${reason}`);
    const memory = memoryStore(reason, options);
    return FOR_GOOD.has(failure.code) ? memory : standIn(memory, dataDir, options);
  }
}

/** What no later try in the same process mends. */
const FOR_GOOD = new Set(['PITWALL_STORE_UNAVAILABLE', 'PITWALL_STORE_NEWER']);

function standIn(memory: MetricsStore, dataDir: string, options: StoreOptions): MetricsStore {
  return new StandInStore(
    memory,
    () => openDurable(dataDir, options),
    () => options.onWarning(`the store under ${dataDir} can be used again: records are durable from now on`),
  );
}

async function openReadOnly(dataDir: string | false, options: StoreOptions): Promise<MetricsStore> {
  const path = dataDir === false ? undefined : join(dataDir, 'lmdb');
  const found = path === undefined ? undefined : await glance(path);
  if (path === undefined || found === undefined || found.state === 'absent') {
    throw new InvalidArgumentError('dataDir', dataDir, 'a directory with a store in it');
  }
  if (found.state === 'damaged') {
    throw new PitwallError('PITWALL_STORE_CORRUPT', `The store under ${path} is damaged: ${found.detail}.`);
  }
  const environment = await openLmdb({ path, mapSizeLimit: undefined, readOnly: true });
  try {
    checkVersion(environment);
  } catch (error) {
    await environment.close();
    throw error;
  }
  return new TimeSeriesStore({
    ...common(options),
    environment,
    writer: new NoWriter(),
    kind: 'durable',
    reason: undefined,
    sizeLimit: undefined,
    onClosed: () => undefined,
  });
}

async function openDurable(dataDir: string, options: StoreOptions): Promise<MetricsStore> {
  const path = join(dataDir, 'lmdb');
  return durableStore(path, await openEnvironment(path, dataDir, options), options);
}

async function openEnvironment(path: string, dataDir: string, options: StoreOptions): Promise<LmdbKeyValue> {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  accessSync(path, constants.R_OK | constants.W_OK);
  const found = await examine(path);
  if (found.state === 'damaged') moveAside(path, dataDir, found.detail, options);
  try {
    return await openAndMigrate(path, options);
  } catch (error) {
    const failure = storeError(error, 'open the store');
    if (failure.code !== 'PITWALL_STORE_CORRUPT') throw failure;
    moveAside(path, dataDir, failure.message, options);
    return openAndMigrate(path, options);
  }
}

async function openAndMigrate(path: string, options: StoreOptions): Promise<LmdbKeyValue> {
  const environment = await openLmdb({ path, mapSizeLimit: options.mapSizeLimit });
  try {
    migrate(environment);
    return environment;
  } catch (error) {
    await environment.close();
    throw error;
  }
}

/** What cannot be read may still be worth something to a person: it is kept, out of the way. */
function moveAside(path: string, dataDir: string, detail: string, options: StoreOptions): void {
  const stamp = new Date(options.now() / 1000).toISOString().replaceAll(':', '-');
  const aside = join(dataDir, `damaged-${stamp}-${randomBytes(2).toString('hex')}`);
  mkdirSync(aside, { recursive: true, mode: 0o700 });
  for (const file of ['data.mdb', 'lock.mdb', 'seal.json']) {
    if (existsSync(join(path, file))) renameSync(join(path, file), join(aside, file));
  }
  options.onWarning(`the store was damaged (${detail}); it was moved to ${aside} and a fresh one is used`);
}

function durableStore(path: string, environment: LmdbKeyValue, options: StoreOptions): MetricsStore {
  return new TimeSeriesStore({
    ...common(options),
    environment,
    writer: writerFor(path, environment, options),
    kind: 'durable',
    reason: undefined,
    sizeLimit: options.mapSizeLimit,
    onClosed: () => seal(path),
  });
}

function writerFor(path: string, environment: LmdbKeyValue, options: StoreOptions): StoreWriter {
  const writer = randomBytes(4).readUInt32LE(0);
  const file = options.writer === 'inline' ? undefined : storeThreadFile();
  if (file === undefined) return new InlineWriter(new Engine(environment, writer));
  return new ThreadWriter(file, { path, mapSizeLimit: options.mapSizeLimit, writer }, () => options.now() / 1000);
}

function memoryStore(reason: string, options: StoreOptions): MetricsStore {
  // What stands in for a disk is never as large as one.
  const asked = options.mapSizeLimit ?? MEMORY_LIMIT;
  const limit = options.dataDir === false ? asked : Math.min(asked, MEMORY_LIMIT);
  const environment = new MemoryKeyValue(limit);
  return new TimeSeriesStore({
    ...common(options),
    environment,
    writer: new InlineWriter(new Engine(environment, 0)),
    kind: 'memory',
    reason,
    sizeLimit: limit,
    onClosed: () => undefined,
  });
}

function common(options: StoreOptions) {
  return { nowUs: options.now, retentionUs: options.retentionHours * HOUR_US, onWarning: options.onWarning };
}

function checkOptions(options: StoreOptions): void {
  if (options.dataDir !== false && (typeof options.dataDir !== 'string' || options.dataDir === '')) {
    throw new InvalidArgumentError('dataDir', options.dataDir, 'the path of a directory, or false');
  }
  if (typeof options.retentionHours !== 'number' || !(options.retentionHours > 0 && options.retentionHours <= 87_600)) {
    throw new InvalidArgumentError('retentionHours', options.retentionHours, 'hours, more than 0, at most 87600');
  }
  const limit = options.mapSizeLimit;
  if (limit !== undefined && (typeof limit !== 'number' || !(limit >= 1_048_576))) {
    throw new InvalidArgumentError('mapSizeLimit', limit, 'bytes, at least 1048576');
  }
}
