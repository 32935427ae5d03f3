/** How strongly two quantities go together. Pure. */

/** Pearson's product-moment correlation, -1..1; NaN for fewer than two pairs or a quantity that never changes. */
export function pearson(xs: readonly number[], ys: readonly number[]): number {
  const count = Math.min(xs.length, ys.length);
  let meanX = 0;
  let meanY = 0;
  let squaresX = 0;
  let squaresY = 0;
  let products = 0;
  // Welford's update: no cancellation where values are large and differ little.
  for (let index = 0; index < count; index += 1) {
    const dx = (xs[index] ?? 0) - meanX;
    const dy = (ys[index] ?? 0) - meanY;
    meanX += dx / (index + 1);
    meanY += dy / (index + 1);
    squaresX += dx * ((xs[index] ?? 0) - meanX);
    squaresY += dy * ((ys[index] ?? 0) - meanY);
    products += dx * ((ys[index] ?? 0) - meanY);
  }
  if (count < 2 || squaresX === 0 || squaresY === 0) return Number.NaN;
  return Math.max(-1, Math.min(1, products / Math.sqrt(squaresX * squaresY)));
}

/** Spearman's rank correlation: Pearson's of the ranks, ties sharing their mean rank. Finds any monotonic relation, heeds no outlier. */
export function spearman(xs: readonly number[], ys: readonly number[]): number {
  const count = Math.min(xs.length, ys.length);
  return pearson(ranks(xs.slice(0, count)), ranks(ys.slice(0, count)));
}

export interface Correlation {
  readonly value: number;
  /** 95 % interval. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** Pearson's with R. A. Fisher's z interval (Metron 1, 1921). */
export function pearsonWithInterval(xs: readonly number[], ys: readonly number[]): Correlation {
  const count = Math.min(xs.length, ys.length);
  return withInterval(pearson(xs, ys), count, 1 / (count - 3));
}

/** Spearman's with the interval of D. G. Bonett and T. A. Wright (Psychometrika 65, 2000): Fisher's z with variance (1 + r^2 / 2) / (n - 3). */
export function spearmanWithInterval(xs: readonly number[], ys: readonly number[]): Correlation {
  const count = Math.min(xs.length, ys.length);
  const value = spearman(xs, ys);
  return withInterval(value, count, (1 + (value * value) / 2) / (count - 3));
}

/**
 * Spearman's of what `given` leaves unexplained of both by rank: how latency goes with load among transfers of equal size. The interval has
 * one degree of freedom less. NaN where one of the two is the same as `given`, by rank.
 */
export function partialSpearman(xs: readonly number[], ys: readonly number[], given: readonly number[]): Correlation {
  const count = Math.min(xs.length, ys.length, given.length);
  const [x, y, g] = [xs, ys, given].map((values) => ranks(values.slice(0, count)));
  const xy = pearson(x ?? [], y ?? []);
  const xg = pearson(x ?? [], g ?? []);
  const yg = pearson(y ?? [], g ?? []);
  // A `given` that never changes explains nothing.
  if (Number.isNaN(xg) || Number.isNaN(yg)) return spearmanWithInterval(xs, ys);
  const left = (1 - xg * xg) * (1 - yg * yg);
  const value = left < 1e-12 ? Number.NaN : Math.max(-1, Math.min(1, (xy - xg * yg) / Math.sqrt(left)));
  return withInterval(value, count, (1 + (value * value) / 2) / (count - 4));
}

const Z95 = 1.959964;

/** From four pairs on (five for a partial one) something can be said; with fewer it may be anything. */
function withInterval(value: number, count: number, variance: number): Correlation {
  if (Number.isNaN(value)) return { value, low: Number.NaN, high: Number.NaN, count };
  if (!(variance > 0 && variance < Number.POSITIVE_INFINITY)) return { value, low: -1, high: 1, count };
  const z = Math.atanh(value);
  const reach = Z95 * Math.sqrt(variance);
  return { value, low: Math.tanh(z - reach), high: Math.tanh(z + reach), count };
}

export interface Slope extends Correlation {
  readonly intercept: number;
}

/** Least squares; the interval is that of a normal estimate. NaN where nothing varies. */
export function slope(xs: readonly number[], ys: readonly number[]): Slope {
  const count = Math.min(xs.length, ys.length);
  const meanX = meanOf(xs, count);
  const meanY = meanOf(ys, count);
  let squares = 0;
  let products = 0;
  let total = 0;
  for (let index = 0; index < count; index += 1) {
    const dx = (xs[index] ?? 0) - meanX;
    const dy = (ys[index] ?? 0) - meanY;
    squares += dx * dx;
    products += dx * dy;
    total += dy * dy;
  }
  if (count < 3 || squares === 0) {
    const nothing = Number.NaN;
    return { value: nothing, low: nothing, high: nothing, count, intercept: nothing };
  }
  const value = products / squares;
  const reach = Z95 * Math.sqrt(Math.max(0, total - value * products) / (count - 2) / squares);
  return { value, low: value - reach, high: value + reach, count, intercept: meanY - value * meanX };
}

function meanOf(values: readonly number[], count: number): number {
  let sum = 0;
  for (let index = 0; index < count; index += 1) sum += values[index] ?? 0;
  return sum / Math.max(1, count);
}

function ranks(values: readonly number[]): number[] {
  const order = values.map((_, index) => index).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const result: number[] = new Array(values.length).fill(0);
  let from = 0;
  while (from < order.length) {
    let to = from;
    while (to + 1 < order.length && values[order[to + 1] ?? 0] === values[order[from] ?? 0]) to += 1;
    for (let place = from; place <= to; place += 1) result[order[place] ?? 0] = (from + to) / 2 + 1;
    from = to + 1;
  }
  return result;
}
