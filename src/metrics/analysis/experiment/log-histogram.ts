/** Counts of positive values in bins 2 % wide, so that any quantile is known within 1 % and ranks can be compared, whatever the number of values. */
import type { JsonValue } from '../../../learning/types.ts';

const WIDTH = Math.log(1.02);
/** 1 ns to about 12 days, in microseconds: what is outside counts as the nearest. */
const LOWEST = Math.floor(Math.log(1e-3) / WIDTH);
const HIGHEST = Math.ceil(Math.log(1e12) / WIDTH);

export class LogHistogram {
  /** By bin: count. Bins of one latency's distribution are some hundred. */
  readonly bins = new Map<number, number>();
  count = 0;

  add(value: number): void {
    const bin = Math.min(HIGHEST, Math.max(LOWEST, Math.floor(Math.log(value) / WIDTH)));
    this.bins.set(bin, (this.bins.get(bin) ?? 0) + 1);
    this.count += 1;
  }

  /** The value at a share of the way up, 0..1; undefined for none. */
  quantile(share: number): number | undefined {
    if (this.count === 0) return undefined;
    const rank = Math.min(this.count - 1, Math.floor(share * this.count));
    let below = 0;
    for (const [bin, count] of this.sorted()) {
      below += count;
      if (below > rank) return Math.exp((bin + 0.5) * WIDTH);
    }
    return undefined;
  }

  sorted(): (readonly [bin: number, count: number])[] {
    return [...this.bins].sort(([a], [b]) => a - b);
  }

  toJson(): JsonValue {
    return this.sorted().flat();
  }

  /** @throws TypeError for another form */
  static fromJson(stored: JsonValue | undefined): LogHistogram {
    const histogram = new LogHistogram();
    if (!Array.isArray(stored)) throw new TypeError('a stored histogram has another form');
    for (let at = 0; at < stored.length; at += 2) {
      const [bin, count]: readonly JsonValue[] = stored.slice(at, at + 2);
      if (typeof bin !== 'number' || typeof count !== 'number')
        throw new TypeError('a stored histogram has another form');
      histogram.bins.set(bin, count);
      histogram.count += count;
    }
    return histogram;
  }
}
