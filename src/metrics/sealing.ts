/** A minute that is over is sealed: it is added to its hour, lane by lane, and its cells are written, once. */
import { encodePage, LANE_SLICES, mergeSummaryPage, type Slice } from './aggregate.ts';
import { MINUTE_US } from './block-codec.ts';
import type { KeyValueEnvironment, KeyValueTransaction } from './key-value.ts';
import { aggregateKey, HOUR_S, MINUTE_S } from './keys.ts';
import { encodeNumber } from './meta.ts';
import type { Minute, OpenMinutes } from './open-minutes.ts';
import { poolKeys } from './pools.ts';
import { milestoneKey, milestoneOf } from './progress.ts';
import { Summary } from './summary.ts';
import { TimeBudget, TRANSACTION_MS } from './time-budget.ts';

/** A minute is sealed this long after its end; what comes later still is added to the sealed page. */
const GRACE_US = 15_000_000;
/** Minutes sealed in one transaction: a flush to the disk costs as much as several small ones do. */
const MINUTES_AT_ONCE = 32;

/** Seals minutes that are over until the budget is spent. Returns how many. */
export function sealMinutes(
  environment: KeyValueEnvironment,
  open: OpenMinutes,
  nowUs: number,
  budget: TimeBudget,
): number {
  let sealed = 0;
  let batch: Minute[] = [];
  for (const due of dueMinutes(environment, nowUs)) {
    if (open.complete(environment, due) === undefined && !open.rebuild(environment, due, budget)) break;
    batch.push(due);
    if (batch.length >= MINUTES_AT_ONCE) {
      sealed += sealBatch(environment, open, batch, budget);
      batch = [];
    }
    if (budget.spent) break;
  }
  return sealed + sealBatch(environment, open, batch, budget);
}

/** In order, as many to a transaction as it has time for; what the budget leaves is due again. */
function sealBatch(
  environment: KeyValueEnvironment,
  open: OpenMinutes,
  minutes: readonly Minute[],
  budget: TimeBudget,
): number {
  let sealed = 0;
  while (sealed < minutes.length && (sealed === 0 || !budget.spent)) {
    const before = sealed;
    const work = (transaction: KeyValueTransaction) => {
      const time = new TimeBudget(TRANSACTION_MS);
      for (const minute of minutes.slice(before)) {
        if (!sealMinute(transaction, open, minute)) return;
        sealed += 1;
        if (time.spent) return;
      }
    };
    environment.write(work, { reclaim: true });
    environment.refresh();
    for (const minute of minutes.slice(before, sealed)) open.forget(minute);
    if (sealed === before) break;
  }
  return sealed;
}

function* dueMinutes(environment: KeyValueEnvironment, nowUs: number): Generator<Minute> {
  const endUs = Math.floor((nowUs - GRACE_US) / MINUTE_US) * MINUTE_US;
  for (const poolKey of poolKeys(environment, 'metrics')) {
    let fromUs = milestoneOf(environment, 'sealed', poolKey) * 1_000_000;
    while (fromUs < endUs) {
      const [key] = environment.keys('metrics', { from: [poolKey, fromUs], to: [poolKey, endUs], limit: 1 });
      const firstUs = key?.[1];
      if (typeof firstUs !== 'number') break;
      const minuteS = Math.floor(firstUs / MINUTE_US) * MINUTE_S;
      yield { poolKey, minuteS };
      fromUs = (minuteS + MINUTE_S) * 1_000_000;
    }
  }
}

/** False where another process stored records of the minute since its cells were made: they are made anew. */
function sealMinute(transaction: KeyValueTransaction, open: OpenMinutes, minute: Minute): boolean {
  const { poolKey, minuteS } = minute;
  // Another process was faster.
  if (milestoneOf(transaction, 'sealed', poolKey) > minuteS) return true;
  const cells = open.complete(transaction, minute);
  if (cells === undefined) {
    open.forget(minute);
    return false;
  }
  transaction.put('aggregates', aggregateKey(poolKey, 'cells', MINUTE_S, minuteS), encodePage(cells, 0));
  for (const slice of LANE_SLICES) addToHour(transaction, poolKey, slice, minuteS);
  transaction.put('meta', milestoneKey('sealed', poolKey), encodeNumber(minuteS + MINUTE_S));
  return true;
}

/** An hour's page holds its sealed minutes, so that the hour under way costs a query one page and the last minutes. */
function addToHour(transaction: KeyValueTransaction, poolKey: string, slice: Slice, minuteS: number): void {
  const minute = transaction.get('aggregates', aggregateKey(poolKey, slice, MINUTE_S, minuteS));
  if (minute === undefined) return;
  const hourKey = aggregateKey(poolKey, slice, HOUR_S, Math.floor(minuteS / HOUR_S) * HOUR_S);
  const summary = new Summary();
  for (const page of [transaction.get('aggregates', hourKey), minute]) {
    try {
      if (page !== undefined) mergeSummaryPage(page, summary);
    } catch {
      // A damaged page is left out; whoever reads it reports it.
    }
  }
  transaction.put('aggregates', hourKey, encodePage(summary, 0));
}
