/** Rows of a block into summaries, a column at a time. */
import type { Method } from '../decision/types.ts';
import type { BlockView } from './block-codec.ts';
import { sketchKey } from './sketch.ts';
import { QUANTITIES, Summary } from './summary.ts';

/** Adds row `fromRow + i` of a block to `summaries[i]`: counts of every outcome, quantities of the successful. */
export function addRows(block: BlockView, summaries: readonly Summary[], fromRow: number): void {
  addCounts(block, summaries, fromRow);
  const { dictionary, indices } = block.texts('outcome');
  const success = dictionary.indexOf('success');
  for (let index = 0; index < QUANTITIES.length; index += 1) {
    const quantity = QUANTITIES[index];
    if (quantity === undefined) continue;
    const values = block.numbers(quantity);
    // Whole blocks are added to lanes and to cells: the logarithms are taken once.
    const keys = summaries.length === block.rows ? block.sketchKeys(quantity) : undefined;
    for (let place = 0; place < summaries.length; place += 1) {
      const row = fromRow + place;
      const value = values[row] ?? Number.NaN;
      if (Number.isNaN(value) || indices[row] !== success) continue;
      summaries[place]?.add(index, value, keys?.[row] ?? sketchKey(value));
    }
  }
}

function addCounts(block: BlockView, summaries: readonly Summary[], fromRow: number): void {
  const outcome = block.texts('outcome');
  const method = block.texts('method');
  const fallback = block.numbers('fallback');
  const explored = block.numbers('explored');
  const sizes = block.numbers('dataSize');
  for (let place = 0; place < summaries.length; place += 1) {
    const counts = summaries[place]?.counts;
    if (counts === undefined) continue;
    const row = fromRow + place;
    const became = outcome.dictionary[outcome.indices[row] ?? 0];
    if (became === 'success') {
      counts.success += 1;
      counts.bytes += Math.round(sizes[row] ?? 0);
    } else if (became === 'ignored') counts.ignored += 1;
    else counts.failed += 1;
    if (method.dictionary[method.indices[row] ?? 0] === 'zero_copy') counts.zeroCopy += 1;
    else counts.grpc += 1;
    if (fallback[row] === 1) counts.fallback += 1;
    if (explored[row] === 1) counts.explored += 1;
  }
}

/** One summary a lane. */
export type Lanes = Readonly<Record<Method, Summary>>;

export function addToLanes(block: BlockView, lanes: Lanes): void {
  const { dictionary, indices } = block.texts('method');
  const byIndex = dictionary.map((method) => (method === 'zero_copy' ? lanes.zero_copy : lanes.grpc));
  const summaries: Summary[] = [];
  for (let row = 0; row < block.rows; row += 1) summaries.push(byIndex[indices[row] ?? 0] ?? lanes.grpc);
  addRows(block, summaries, 0);
}

export function totalOf(lanes: Lanes): Summary {
  const total = new Summary();
  total.merge(lanes.grpc);
  total.merge(lanes.zero_copy);
  return total;
}
