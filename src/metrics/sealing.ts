/** A minute that is over is sealed: it is added to its hour, lane by lane, and its cells are written, once. */
import { encodePage, LANE_SLICES, mergeSummaryPage, type Slice } from './aggregate.ts';
import { MINUTE_US } from './block-codec.ts';
import type { KeyValueEnvironment, KeyValueTransaction } from './key-value.ts';
import { aggregateKey, HOUR_S, MINUTE_S } from './keys.ts';
import { encodeNumber } from './meta.ts';
import type { Minute, OpenMinutes } from './open-minutes.ts';
import { poolKeys } from './pools.ts';
import { milestoneKey, milestoneOf } from './progress.ts';
import type { Steps } from './slices.ts';
import { Summary } from './summary.ts';
import { TimeBudget, TRANSACTION_MS } from './time-budget.ts';
import type { UpkeepTally } from './upkeep-tally.ts';

/** A minute is sealed this long after its end; what comes later still is added to the sealed page. */
const GRACE_US = 15_000_000;
/** Minutes sealed in one transaction: a flush to the disk costs as much as several small ones do. */
const MINUTES_AT_ONCE = 32;
/** Minutes of one pool sealed in a round: then hours have their turn. */
const MINUTES_PER_ROUND = 120;

/** Seals minutes that are over. A step is a transaction, a look at a pool, or a piece of a minute that is made from its blocks. */
export function* sealMinutes(
  environment: KeyValueEnvironment,
  open: OpenMinutes,
  nowUs: number,
  tally: UpkeepTally,
): Steps<void> {
  let batch: Minute[] = [];
  for (const poolKey of poolKeys(environment, 'metrics')) {
    let ofPool = 0;
    for (const due of dueMinutes(environment, poolKey, nowUs)) {
      if (ofPool === MINUTES_PER_ROUND) {
        tally.again = true;
        break;
      }
      ofPool += 1;
      if (open.complete(environment, due) === undefined) yield* open.rebuild(environment, due);
      batch.push(due);
      if (batch.length < MINUTES_AT_ONCE) continue;
      yield* sealBatch(environment, open, batch, tally);
      batch = [];
    }
    yield;
  }
  yield* sealBatch(environment, open, batch, tally);
}

/** In order, as many to a transaction as it has time for. */
function* sealBatch(
  environment: KeyValueEnvironment,
  open: OpenMinutes,
  minutes: readonly Minute[],
  tally: UpkeepTally,
): Steps<void> {
  let sealed = 0;
  while (sealed < minutes.length) {
    const before = sealed;
    environment.write(
      (transaction) => {
        sealed = before + sealSome(transaction, open, minutes.slice(before));
      },
      { reclaim: true },
    );
    environment.refresh();
    for (const minute of minutes.slice(before, sealed)) open.forget(minute);
    tally.sealedMinutes += sealed - before;
    yield;
    if (sealed > before) continue;
    tally.again = true;
    return;
  }
}

function sealSome(transaction: KeyValueTransaction, open: OpenMinutes, minutes: readonly Minute[]): number {
  const time = new TimeBudget(TRANSACTION_MS);
  let sealed = 0;
  for (const minute of minutes) {
    if (!sealMinute(transaction, open, minute)) break;
    sealed += 1;
    if (time.spent) break;
  }
  return sealed;
}

function* dueMinutes(environment: KeyValueEnvironment, poolKey: string, nowUs: number): Generator<Minute> {
  const endUs = Math.floor((nowUs - GRACE_US) / MINUTE_US) * MINUTE_US;
  let fromUs = milestoneOf(environment, 'sealed', poolKey) * 1_000_000;
  while (fromUs < endUs) {
    const [key] = environment.keys('metrics', { from: [poolKey, fromUs], to: [poolKey, endUs], limit: 1 });
    const firstUs = key?.[1];
    if (typeof firstUs !== 'number') return;
    const minuteS = Math.floor(firstUs / MINUTE_US) * MINUTE_S;
    yield { poolKey, minuteS };
    fromUs = (minuteS + MINUTE_S) * 1_000_000;
  }
}

/** False where records were stored meanwhile, of this minute or of one before it that had none: the next round has them. */
function sealMinute(transaction: KeyValueTransaction, open: OpenMinutes, minute: Minute): boolean {
  const { poolKey, minuteS } = minute;
  const sealedS = milestoneOf(transaction, 'sealed', poolKey);
  // Another process was faster.
  if (sealedS > minuteS) return true;
  const passedOver = { from: [poolKey, sealedS * 1_000_000], to: [poolKey, minuteS * 1_000_000], limit: 1 };
  if (transaction.keys('metrics', passedOver).length > 0) return false;
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
