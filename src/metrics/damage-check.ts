/**
 * Is an LMDB file safe to map? A truncated or overwritten one ends the process that reads it (SIGBUS, SIGSEGV), so a file whose state
 * is not known is walked in a child process first. A file that was closed in order carries a seal and is opened at once.
 *
 *   data.mdb ── headers readable? ── no ──▶ damaged
 *                    │ yes
 *              sealed, and unchanged since? ── yes ──▶ sound
 *                    │ no (crash, kill -9, foreign hands)
 *              child process opens and walks it ── dies or complains ──▶ damaged
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { DATABASE_NAMES } from './key-value.ts';

export type EnvironmentState =
  | { readonly state: 'absent' | 'sound' }
  | { readonly state: 'damaged'; readonly detail: string };

const CHECK_TIMEOUT_MS = 20_000;
const SEAL = 'seal.json';

export async function examine(path: string): Promise<EnvironmentState> {
  const file = join(path, 'data.mdb');
  const size = sizeOf(file);
  if (size === undefined || size === 0) return { state: 'absent' };
  const header = readHeader(file, size);
  if (typeof header === 'string') return { state: 'damaged', detail: header };
  if (size >= header.neededBytes && isSealed(path)) return { state: 'sound' };
  const complaint = await walkInChild(path, size < header.neededBytes);
  return complaint === undefined ? { state: 'sound' } : { state: 'damaged', detail: complaint };
}

/**
 * The same for one who only looks, beside a live host perhaps (whose file has no seal): the header alone, but for a file that is shorter than that
 * says, which is walked, read-only.
 */
export async function glance(path: string): Promise<EnvironmentState> {
  const file = join(path, 'data.mdb');
  const size = sizeOf(file);
  if (size === undefined || size === 0) return { state: 'absent' };
  const header = readHeader(file, size);
  if (typeof header === 'string') return { state: 'damaged', detail: header };
  if (size >= header.neededBytes) return { state: 'sound' };
  const complaint = await walkInChild(path, true, true);
  return complaint === undefined ? { state: 'sound' } : { state: 'damaged', detail: complaint };
}

/** Marks the file as closed in order. Best effort: without a seal the next start walks the file. */
export function seal(path: string): void {
  try {
    writeFileSync(join(path, SEAL), JSON.stringify(fingerprint(path)));
  } catch {
    // A full or read-only disk: the next start checks instead.
  }
}

function isSealed(path: string): boolean {
  try {
    return readFileSync(join(path, SEAL), 'utf8') === JSON.stringify(fingerprint(path));
  } catch {
    return false;
  }
}

function fingerprint(path: string): Record<string, string> {
  const { size, mtimeNs, ino } = statSync(join(path, 'data.mdb'), { bigint: true });
  return { size: String(size), mtimeNs: String(mtimeNs), ino: String(ino) };
}

function sizeOf(file: string): number | undefined {
  try {
    return statSync(file).size;
  } catch {
    return undefined;
  }
}

// Where LMDB's meta pages keep things: 24 bytes of page header, then magic, version, address, map size, two trees, last page.
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const MAGIC_AT = 24;
const PAGE_SIZE_AT = 48;
const LAST_PAGE_AT = 144;
const TRANSACTION_AT = 152;
const META_BYTES = 160;

interface Header {
  /** Bytes the file must have for all its pages to be there (it may rightly lack some free ones at its end). */
  readonly neededBytes: number;
}

/** The newer of the two valid meta pages, or what is wrong. */
function readHeader(file: string, size: number): Header | string {
  const descriptor = openSync(file, 'r');
  try {
    const first = readMeta(descriptor, 0);
    const pageSize = first?.pageSize ?? 4096;
    const second = readMeta(descriptor, pageSize);
    if (size < pageSize * 2) return 'the file is shorter than its header';
    const metas = [first, second].filter((meta) => meta !== undefined);
    if (metas.length === 0) return 'the file is no LMDB environment';
    const newest = metas.reduce((a, b) => (b.transaction > a.transaction ? b : a));
    if (metas.length < 2) return 'one of the two header pages is overwritten';
    return { neededBytes: Number((newest.lastPage + 1n) * BigInt(newest.pageSize)) };
  } finally {
    closeSync(descriptor);
  }
}

interface Meta {
  readonly pageSize: number;
  readonly lastPage: bigint;
  readonly transaction: bigint;
}

function readMeta(descriptor: number, at: number): Meta | undefined {
  const bytes = Buffer.alloc(META_BYTES);
  if (readSync(descriptor, bytes, 0, META_BYTES, at) < META_BYTES) return undefined;
  if (bytes.readUInt32LE(MAGIC_AT) !== MAGIC || (bytes.readUInt32LE(MAGIC_AT + 4) & 0xffff) !== DATA_VERSION)
    return undefined;
  const pageSize = bytes.readUInt32LE(PAGE_SIZE_AT);
  if (pageSize < 256 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) return undefined;
  const lastPage = bytes.readBigUInt64LE(LAST_PAGE_AT);
  if (lastPage < 1n || lastPage > 2n ** 40n) return undefined;
  return { pageSize, lastPage, transaction: bytes.readBigUInt64LE(TRANSACTION_AT) };
}

/**
 * Opens the environment as the store does, walks every tree, and (writable) commits an empty change, which reads the list of free pages. Values
 * are read where the file is shorter than its header says, for then one of them may lie beyond its end.
 */
const WALK = `
  const [lmdbPath, path, names, values, mode] = process.argv.slice(1);
  const readOnly = mode === 'read-only';
  const { open } = require(lmdbPath);
  const root = open({ path, noSubdir: false, encoding: 'binary', maxDbs: 16, maxReaders: 1024, overlappingSync: false, readOnly });
  for (const name of JSON.parse(names)) {
    const database = root.openDB(name, { encoding: 'binary' });
    if (database === undefined) continue;
    const entries = database.getStats().entryCount;
    let seen = 0;
    const range = values === 'values' || name !== 'metrics' ? database.getRange({}) : database.getKeys({});
    for (const entry of range) { seen += 1; if (seen > entries + 100000) throw new Error('a tree without end'); }
    if (seen < entries && seen + 100000 < entries) throw new Error('a tree lacks entries');
  }
  if (!readOnly) root.transactionSync(() => { root.putSync('check', Buffer.from([1])); root.removeSync('check'); });
  root.close().then(() => process.exit(0));
`;

/** What is wrong, undefined when nothing is (or when it cannot be told: no child process, no time). */
async function walkInChild(path: string, readValues: boolean, readOnly = false): Promise<string | undefined> {
  let lmdbPath: string;
  try {
    lmdbPath = createRequire(import.meta.url).resolve('lmdb');
  } catch {
    return undefined;
  }
  const args = [
    '-e',
    WALK,
    lmdbPath,
    path,
    JSON.stringify(DATABASE_NAMES),
    readValues ? 'values' : 'keys',
    readOnly ? 'read-only' : 'writable',
  ];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: CHECK_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => {
      if (complaint.length < 4096) complaint += chunk.toString('utf8');
    });
    child.on('error', () => resolve(undefined));
    child.on('close', (code, signal) => {
      if (code === 0 || signal === 'SIGKILL') resolve(undefined);
      else if (signal !== null) resolve(`reading it ends a process with ${signal}`);
      else resolve(isDamage(complaint) ? firstLine(complaint) : undefined);
    });
  });
}

/** A child that could not run at all (a missing module, a read-only directory, no space) says nothing about the file. */
function isDamage(complaint: string): boolean {
  return /MDB_(CORRUPTED|PAGE_NOTFOUND|INVALID|PANIC|BAD_TXN|INCOMPATIBLE|CURSOR_FULL|BAD_VALSIZE)|a tree |Invalid key|offset|RangeError/.test(
    complaint,
  );
}

function firstLine(text: string): string {
  return (
    text
      .split('\n')
      .find((line) => /Error|MDB_/.test(line))
      ?.trim() ?? 'it cannot be read'
  );
}
