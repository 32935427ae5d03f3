/** What is kept of many transfers: counts of every record, and a sketch of each measured quantity over the successful ones. */
import type { ByteReader, ByteWriter } from './byte-buffer.ts';
import type { NumericFieldName } from './record-fields.ts';
import { QuantileSketch } from './sketch.ts';

/** The measured quantities, in the order in which they are written. New ones go to the end (there is room for 31). */
export const QUANTITIES = [
  'latencyUs',
  'throughputMBps',
  'dataSize',
  'memoryUsed',
  'cpuTimeUs',
  'decisionTimeUs',
  'predictedLatencyUs',
  'predictionError',
  'systemLoad',
  'availableMemory',
  'inFlight',
  'setupUs',
  'serializeUs',
  'transportUs',
  'workerUs',
  'cleanupUs',
] as const satisfies readonly NumericFieldName[];

export type QuantityName = (typeof QUANTITIES)[number];

/** Counts of records, all outcomes. */
export interface SummaryCounts {
  success: number;
  ignored: number;
  failed: number;
  zeroCopy: number;
  grpc: number;
  fallback: number;
  explored: number;
  /** Bytes of successful transfers. */
  bytes: number;
}

const COUNT_NAMES = ['success', 'ignored', 'failed', 'zeroCopy', 'grpc', 'fallback', 'explored', 'bytes'] as const;

export class Summary {
  readonly counts: SummaryCounts = {
    success: 0,
    ignored: 0,
    failed: 0,
    zeroCopy: 0,
    grpc: 0,
    fallback: 0,
    explored: 0,
    bytes: 0,
  };
  readonly #sketches: (QuantileSketch | undefined)[] = [];

  /** All records, whatever became of them. */
  get count(): number {
    return this.counts.success + this.counts.ignored + this.counts.failed;
  }

  sketch(quantity: QuantityName): QuantileSketch | undefined {
    return this.#sketches[QUANTITIES.indexOf(quantity)];
  }

  /** Empties it, for the next use. */
  reset(): void {
    for (const name of COUNT_NAMES) this.counts[name] = 0;
    for (const sketch of this.#sketches) sketch?.reset();
  }

  /** Adds one measured value; `index` is the quantity's place in QUANTITIES, `key` its bin (`sketchKey`). */
  add(index: number, value: number, key: number): void {
    let sketch = this.#sketches[index];
    if (sketch === undefined) {
      sketch = new QuantileSketch();
      this.#sketches[index] = sketch;
    }
    sketch.addKeyed(value, key);
  }

  merge(other: Summary): void {
    for (const name of COUNT_NAMES) this.counts[name] += other.counts[name];
    for (let index = 0; index < QUANTITIES.length; index += 1) {
      const theirs = other.#sketches[index];
      if (theirs === undefined) continue;
      let ours = this.#sketches[index];
      if (ours === undefined) {
        ours = new QuantileSketch();
        this.#sketches[index] = ours;
      }
      ours.merge(theirs);
    }
  }

  /** counts: varints · mask of the quantities present: varint · their sketches. */
  write(writer: ByteWriter): void {
    for (const name of COUNT_NAMES) writer.varint(Math.min(this.counts[name], Number.MAX_SAFE_INTEGER));
    let mask = 0;
    for (let index = 0; index < QUANTITIES.length; index += 1)
      if (this.#sketches[index] !== undefined) mask += 2 ** index;
    writer.varint(mask);
    for (let index = 0; index < QUANTITIES.length; index += 1) this.#sketches[index]?.write(writer);
  }

  /** Adds a written summary to this one. Throws PITWALL_STORE_CORRUPT. */
  mergeFrom(reader: ByteReader): void {
    for (const name of COUNT_NAMES) this.counts[name] += reader.varint();
    const mask = reader.varint();
    for (let index = 0; index < 31; index += 1) {
      if ((mask & (1 << index)) === 0) continue;
      if (index >= QUANTITIES.length) {
        QuantileSketch.skip(reader);
        continue;
      }
      let sketch = this.#sketches[index];
      if (sketch === undefined) {
        sketch = new QuantileSketch();
        this.#sketches[index] = sketch;
      }
      sketch.mergeFrom(reader);
    }
  }
}
