/** Cells of minutes become cells of hours once the hour is over and sealed. (The lanes' pages do so minute by minute: sealing.ts.) */
import { Cells, encodePage, mergeCellsPage } from './aggregate.ts';
import type { KeyValueEnvironment, KeyValueReader, KeyValueTransaction } from './key-value.ts';
import { aggregateKey, HOUR_S, MINUTE_S } from './keys.ts';
import { encodeNumber } from './meta.ts';
import { poolKeys } from './pools.ts';
import { milestoneKey, milestoneOf } from './progress.ts';

/** An hour is rolled up this long after its end: what comes even later is added to both. */
const GRACE_S = 120;

/** Rolls up at most `maxHours` hours whose minutes are all sealed, each in a transaction of its own. Returns how many. */
export function rollUp(environment: KeyValueEnvironment, nowUs: number, maxHours: number): number {
  const endS = Math.floor((nowUs / 1_000_000 - GRACE_S) / HOUR_S) * HOUR_S;
  let done = 0;
  for (const poolKey of poolKeys(environment, 'aggregates')) {
    while (done < maxHours && rollUpNext(environment, poolKey, endS)) done += 1;
    if (done >= maxHours) break;
  }
  return done;
}

function rollUpNext(environment: KeyValueEnvironment, poolKey: string, endS: number): boolean {
  if (nextHour(environment, poolKey, endS) === undefined) return false;
  const work = (transaction: KeyValueTransaction): boolean => {
    // Asked again inside the transaction: another process may have been faster.
    const hourS = nextHour(transaction, poolKey, endS);
    if (hourS === undefined) return false;
    rollUpCells(transaction, poolKey, hourS);
    transaction.put('meta', milestoneKey('rolled', poolKey), encodeNumber(hourS + HOUR_S));
    return true;
  };
  const done = environment.write(work, { reclaim: true });
  environment.refresh();
  return done;
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

function rollUpCells(transaction: KeyValueTransaction, poolKey: string, hourS: number): void {
  const pages = transaction.range('aggregates', {
    from: aggregateKey(poolKey, 'cells', MINUTE_S, hourS),
    to: aggregateKey(poolKey, 'cells', MINUTE_S, hourS + HOUR_S),
    limit: HOUR_S / MINUTE_S,
  });
  const cells = new Cells();
  for (const { value } of pages) {
    try {
      mergeCellsPage(value, (key) => cells.at(key).summary);
    } catch {
      // A damaged minute is left out; readers of that minute report it.
    }
  }
  transaction.put('aggregates', aggregateKey(poolKey, 'cells', HOUR_S, hourS), encodePage(cells, 0));
}
