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
