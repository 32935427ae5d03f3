/**
 * Cells of minutes become cells of hours once the hour is over and sealed. (The lanes' pages do so minute by minute: sealing.ts.) An hour is
 * put together outside of any transaction, a page at a time; the transaction only proves that no page changed meanwhile, and writes.
 */
import { Cells, encodePage, mergeCellsPage, pageStamp } from './aggregate.ts';
import type { KeyRange, KeyValueEnvironment, KeyValueReader, KeyValueTransaction } from './key-value.ts';
import { aggregateKey, HOUR_S, MINUTE_S } from './keys.ts';
import { encodeNumber } from './meta.ts';
import { poolKeys } from './pools.ts';
import { milestoneKey, milestoneOf } from './progress.ts';
import type { Steps } from './slices.ts';
import type { UpkeepTally } from './upkeep-tally.ts';

/** An hour is rolled up this long after its end: what comes even later is added to both. */
const GRACE_S = 120;

interface Hour {
  readonly poolKey: string;
  readonly hourS: number;
}

/** An hour that is being put together. */
interface Draft extends Hour {
  readonly cells: Cells;
  /** Start and stamp of each page that is in. */
  readonly pages: (readonly [minuteS: number, stamp: number])[];
}

/** Rolls up hours whose minutes are all sealed, each in a transaction of its own. A step is a page, a transaction, or a look at a pool. */
export function* rollUp(environment: KeyValueEnvironment, nowUs: number, tally: UpkeepTally): Steps<void> {
  const endS = Math.floor((nowUs / 1_000_000 - GRACE_S) / HOUR_S) * HOUR_S;
  for (const poolKey of poolKeys(environment, 'aggregates')) {
    for (;;) {
      const hourS = nextHour(environment, poolKey, endS);
      if (hourS === undefined) break;
      const draft: Draft = { poolKey, hourS, cells: new Cells(), pages: [] };
      yield* addPages(environment, draft);
      const written = environment.write((transaction) => writeHour(transaction, draft), { reclaim: true });
      environment.refresh();
      // A page changed meanwhile: the next round makes the hour anew.
      if (!written) break;
      tally.rolledUpHours += 1;
      yield;
    }
    yield;
  }
}

function nextHour(reader: KeyValueReader, poolKey: string, endS: number): number | undefined {
  const from = aggregateKey(poolKey, 'cells', MINUTE_S, milestoneOf(reader, 'rolled', poolKey));
  const [first] = reader.keys('aggregates', { from, to: aggregateKey(poolKey, 'cells', MINUTE_S, endS), limit: 1 });
  const minuteS = first?.[3];
  if (typeof minuteS !== 'number') return undefined;
  const hourS = Math.floor(minuteS / HOUR_S) * HOUR_S;
  return isSealed(reader, poolKey, hourS + HOUR_S) ? hourS : undefined;
}

/** No block before the end waits for its seal. */
function isSealed(reader: KeyValueReader, poolKey: string, endS: number): boolean {
  const sealedS = milestoneOf(reader, 'sealed', poolKey);
  if (sealedS >= endS) return true;
  const range = { from: [poolKey, sealedS * 1_000_000], to: [poolKey, endS * 1_000_000], limit: 1 };
  return reader.keys('metrics', range).length === 0;
}

function* addPages(reader: KeyValueReader, draft: Draft): Steps<void> {
  let fromS = draft.hourS;
  for (;;) {
    const [page] = reader.range('aggregates', { ...pagesOf(draft, fromS), limit: 1 });
    const minuteS = page?.key[3];
    if (page === undefined || typeof minuteS !== 'number') return;
    try {
      mergeCellsPage(page.value, (key) => draft.cells.at(key).summary);
    } catch {
      // A damaged minute is left out; readers of that minute report it.
    }
    draft.pages.push([minuteS, pageStamp(page.value)]);
    fromS = minuteS + MINUTE_S;
    yield;
  }
}

/** False where a page has changed. */
function writeHour(transaction: KeyValueTransaction, draft: Draft): boolean {
  const { poolKey, hourS, cells, pages } = draft;
  // Another process was faster.
  if (milestoneOf(transaction, 'rolled', poolKey) > hourS) return true;
  const now = transaction.range('aggregates', pagesOf(draft, hourS));
  const same = now.length === pages.length && now.every(({ key, value }, index) => isSame(pages[index], key[3], value));
  if (!same) return false;
  transaction.put('aggregates', aggregateKey(poolKey, 'cells', HOUR_S, hourS), encodePage(cells, 0));
  transaction.put('meta', milestoneKey('rolled', poolKey), encodeNumber(hourS + HOUR_S));
  return true;
}

function isSame(
  seen: readonly [minuteS: number, stamp: number] | undefined,
  minuteS: string | number | undefined,
  page: Uint8Array,
): boolean {
  return seen !== undefined && seen[0] === minuteS && Object.is(seen[1], pageStamp(page));
}

function pagesOf({ poolKey, hourS }: Hour, fromS: number): KeyRange {
  return {
    from: aggregateKey(poolKey, 'cells', MINUTE_S, fromS),
    to: aggregateKey(poolKey, 'cells', MINUTE_S, hourS + HOUR_S),
    limit: HOUR_S / MINUTE_S,
  };
}
