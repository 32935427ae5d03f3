/** What a benchmark sends: the host's own payloads, or made-up ones that compress about as real ones do. */
import { seededRandom } from '../learning/random.ts';
import type { BenchmarkCell } from '../metrics/analysis/benchmark/types.ts';
import { tableOf } from '../transports/arrow.ts';
import { tensor } from '../transports/tensor.ts';

/** Bytes of payloads that are kept for the next round; others are made anew each time. */
const MAX_KEPT = 256 * 2 ** 20;

/** Payloads by configuration, each made once as far as memory allows. */
export class BenchmarkPayloads {
  readonly #make: (cell: BenchmarkCell) => unknown;
  readonly #keyOf: (cell: BenchmarkCell) => string;
  readonly #kept = new Map<string, unknown>();
  #keptBytes = 0;

  /** @param own the host's; undefined: made up, equal for equal seeds */
  constructor(own: ((cell: BenchmarkCell) => unknown) | undefined, seed: number) {
    this.#make = own ?? ((cell) => madeUpPayload(cell, seed));
    this.#keyOf = own ? (cell) => JSON.stringify(cell) : (cell) => `${cell.dataType} ${cell.dataSize}`;
  }

  async of(cell: BenchmarkCell): Promise<unknown> {
    const key = this.#keyOf(cell);
    if (this.#kept.has(key)) return this.#kept.get(key);
    const payload = await this.#make(cell);
    if (this.#keptBytes + cell.dataSize <= MAX_KEPT) {
      this.#keptBytes += cell.dataSize;
      this.#kept.set(key, payload);
    }
    return payload;
  }
}

/** A payload of a type that `OWN_FORMATS` lists, of about `dataSize` bytes; equal for equal seeds. Bytes for any other type. */
export function madeUpPayload(
  { dataType, dataSize }: Pick<BenchmarkCell, 'dataType' | 'dataSize'>,
  seed: number,
): unknown {
  const random = seededRandom(seed ^ dataSize);
  switch (dataType) {
    case 'tensor': {
      const data = tiled(new Float32Array(Math.max(1, Math.floor(dataSize / 4))), () => reading(random));
      return tensor(data, [data.length]);
    }
    case 'dataframe':
      return frame(dataSize, random);
    case 'json':
      return Array.from({ length: Math.max(1, Math.round(dataSize / DOCUMENT_BYTES)) }, (_, index) =>
        document(index, random),
      );
    case 'text':
      return text(dataSize, random);
    default:
      return bytes(dataSize, random);
  }
}

/** As measurements are written down: three digits, near one another. */
function reading(random: () => number): number {
  return Math.round(1_000 * (20 + 5 * (random() + random() - 1))) / 1_000;
}

/** Numbers in a tile. */
const TILE = 16_381;

/** Fills an array with the same values again and again: a random number for each of a hundred million would take longer than the benchmark. */
function tiled<A extends Float32Array | Float64Array | Int32Array | Uint8Array>(target: A, make: () => number): A {
  const tiles = Math.min(TILE, target.length);
  for (let index = 0; index < tiles; index += 1) target[index] = make();
  for (let filled = tiles; filled < target.length; filled *= 2) target.copyWithin(filled, 0, filled);
  return target;
}

/** A row: 8 and 4 bytes of numbers, 4 of an index into the dictionary. */
const ROW_BYTES = 16;
const CITIES = ['Athens', 'Bogota', 'Cairo', 'Dhaka', 'Espoo', 'Fukuoka', 'Geneva', 'Hanoi'];

function frame(dataSize: number, random: () => number): Promise<object> {
  const length = Math.max(1, Math.floor(dataSize / ROW_BYTES));
  const picked = tiled(new Uint8Array(length), () => Math.floor(random() * CITIES.length));
  return tableOf({
    reading: tiled(new Float64Array(length), () => reading(random)),
    count: tiled(new Int32Array(length), () => Math.floor(random() * 1_000)),
    city: Array.from(picked, (index) => CITIES[index] ?? ''),
  });
}

const DOCUMENT_BYTES = 87;

function document(index: number, random: () => number): object {
  const city = CITIES[Math.floor(random() * CITIES.length)];
  return {
    id: 100_000 + (index % 900_000),
    city,
    reading: reading(random),
    valid: random() < 0.9,
    tags: ['a', 'b'],
    note: null,
  };
}

function text(dataSize: number, random: () => number): string {
  const words = Array.from({ length: 4_000 }, () => CITIES[Math.floor(random() * CITIES.length)]?.toLowerCase() ?? '');
  const tile = `${words.join(' ')} `;
  return tile.repeat(Math.ceil(dataSize / tile.length)).slice(0, dataSize);
}

/** Half noise, half runs. */
function bytes(dataSize: number, random: () => number): Buffer {
  let count = 0;
  return tiled(Buffer.allocUnsafe(dataSize), () => {
    count += 1;
    return count % 64 < 32 ? Math.floor(random() * 256) : 32;
  });
}
