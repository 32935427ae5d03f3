/**
 * A minute that is over is sealed: it is added to its hour, lane by lane, and its cells are written, once. The writer that saw all of its records has the cells at hand; any other
 * (after a restart, or with several writers) makes them from the stored blocks. Which it is shows by the number of records.
 */
import { Cells, encodePage, LANE_SLICES, mergeSummaryPage, type Slice } from './aggregate.ts';
import { BlockView, MINUTE_US } from './block-codec.ts';
import type { KeyValueEnvironment, KeyValueTransaction } from './key-value.ts';
import { aggregateKey, HOUR_S, MINUTE_S, parseBlockKey, type StoreKey } from './keys.ts';
import { encodeNumber } from './meta.ts';
import { poolKeys } from './pools.ts';
import { milestoneKey, milestoneOf } from './progress.ts';
import { Summary } from './summary.ts';

/** A minute is sealed this long after its end; what comes later still is added to the sealed page. */
const GRACE_US = 15_000_000;
/** Minutes under way whose cells are kept in memory; beyond, they are made from the blocks when sealed. */
const MAX_OPEN_MINUTES = 64;

interface OpenMinute {
  readonly cells: Cells;
  rows: number;
}

/** The cells of minutes under way, of one writer. */
export class OpenMinutes {
  readonly #minutes = new Map<string, OpenMinute>();

  add(poolKey: string, minuteS: number, block: BlockView): void {
    const name = `${minuteS} ${poolKey}`;
    let minute = this.#minutes.get(name);
    if (minute === undefined) {
      if (this.#minutes.size >= MAX_OPEN_MINUTES) return;
      minute = { cells: new Cells(), rows: 0 };
      this.#minutes.set(name, minute);
    }
    minute.cells.addBlock(block);
    minute.rows += block.rows;
  }

  take(poolKey: string, minuteS: number): OpenMinute | undefined {
    const name = `${minuteS} ${poolKey}`;
    const minute = this.#minutes.get(name);
    this.#minutes.delete(name);
    return minute;
  }

  clear(): void {
    this.#minutes.clear();
  }
}

/** Minutes sealed in one transaction: a flush to the disk costs as much as several small ones do. */
const MINUTES_AT_ONCE = 32;

interface Due {
  readonly poolKey: string;
  readonly minuteS: number;
}

/** Seals minutes that are over while `goOn` says so. Returns how many. */
export function sealMinutes(
  environment: KeyValueEnvironment,
  open: OpenMinutes,
  nowUs: number,
  goOn: () => boolean,
): number {
  let sealed = 0;
  let batch: Due[] = [];
  const sealBatch = () => {
    if (batch.length === 0) return;
    const due = batch;
    batch = [];
    environment.write((transaction) => due.forEach((minute) => void sealMinute(transaction, open, minute)), {
      reclaim: true,
    });
    environment.refresh();
    sealed += due.length;
  };
  for (const due of dueMinutes(environment, nowUs)) {
    batch.push(due);
    if (batch.length >= MINUTES_AT_ONCE) sealBatch();
    if (!goOn()) break;
  }
  sealBatch();
  return sealed;
}

function* dueMinutes(environment: KeyValueEnvironment, nowUs: number): Generator<Due> {
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

function sealMinute(transaction: KeyValueTransaction, open: OpenMinutes, { poolKey, minuteS }: Due): void {
  if (milestoneOf(transaction, 'sealed', poolKey) > minuteS) return;
  const keys = keysOfMinute(transaction, poolKey, minuteS);
  const rows = keys.reduce((sum, key) => sum + (parseBlockKey(key)?.rows ?? 0), 0);
  const own = open.take(poolKey, minuteS);
  const cells = own !== undefined && own.rows === rows ? own.cells : cellsOf(transaction, keys);
  transaction.put('aggregates', aggregateKey(poolKey, 'cells', MINUTE_S, minuteS), encodePage(cells, 0));
  for (const slice of LANE_SLICES) addToHour(transaction, poolKey, slice, minuteS);
  transaction.put('meta', milestoneKey('sealed', poolKey), encodeNumber(minuteS + MINUTE_S));
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

function keysOfMinute(transaction: KeyValueTransaction, poolKey: string, minuteS: number): StoreKey[] {
  const from = [poolKey, minuteS * 1_000_000];
  const to = [poolKey, minuteS * 1_000_000 + MINUTE_US];
  return transaction.keys('metrics', { from, to, limit: Number.MAX_SAFE_INTEGER });
}

function cellsOf(transaction: KeyValueTransaction, keys: readonly StoreKey[]): Cells {
  const cells = new Cells();
  for (const key of keys) {
    const bytes = transaction.get('metrics', key);
    if (bytes === undefined) continue;
    try {
      cells.addBlock(new BlockView(bytes));
    } catch {
      // A damaged block is left out, as it is when records are read.
    }
  }
  return cells;
}
