/** Quantiles with intervals that assume nothing of the distribution. Pure. */
import type { QuantileEstimate } from './types.ts';

/**
 * The q-quantile of sorted values, and an interval that covers the true one with at least the given confidence, whatever they are distributed like:
 * the order statistics whose ranks leave at most half of the doubt to the binomial's either tail (W. J. Conover, "Practical Nonparametric Statistics",
 * 3rd ed. 1999, section 3.2). Where there are too few values for that, there is no interval, rather than a narrower one.
 *
 * The estimate itself is Hyndman and Fan's (1996) definition 7, as R's and numpy's by default.
 */
export function quantileEstimate(sorted: readonly number[], q: number, confidence: number): QuantileEstimate {
  const [low, high] = ranksFor(sorted.length, q, confidence);
  const [lowUs, highUs] = [sorted[low - 1], sorted[high - 1]];
  const interval = lowUs === undefined || highUs === undefined ? undefined : { low: lowUs, high: highUs };
  return { q, us: quantile(sorted, q), interval };
}

/** NaN for none. */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) return Number.NaN;
  const place = (sorted.length - 1) * q;
  const below = Math.floor(place);
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? low;
  return low + (high - low) * (place - below);
}

/**
 * Ranks from 1 on. P(X(low) > quantile) = P(Bin(n, q) < low), P(X(high) < quantile) = P(Bin(n, q) >= high). Rank 0 or n + 1: there is none.
 */
function ranksFor(n: number, q: number, confidence: number): [low: number, high: number] {
  const tail = (1 - confidence) / 2;
  let low = 0;
  let high = n + 1;
  let below = 0;
  // Rounding must not take a rank away that is allowed by the last digit.
  const bar = tail + 1e-12;
  for (let k = 0; k <= n; k += 1) {
    // `below` is P(Bin < k).
    if (below <= bar) low = k;
    if (1 - below <= bar) {
      high = k;
      break;
    }
    below += binomial(n, k, q);
  }
  return [low, high];
}

function binomial(n: number, k: number, q: number): number {
  const logChoose = logFactorial(n) - logFactorial(k) - logFactorial(n - k);
  return Math.exp(logChoose + k * Math.log(q) + (n - k) * Math.log1p(-q));
}

/** Stirling's series with three terms: exact to ten digits from 10 on. */
function logFactorial(n: number): number {
  if (n < 10) {
    let product = 1;
    for (let factor = 2; factor <= n; factor += 1) product *= factor;
    return Math.log(product);
  }
  const inverse = 1 / n;
  const series = (inverse / 12) * (1 - (inverse * inverse) / 30 + (inverse * inverse * inverse * inverse) / 105);
  return n * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI * n) + series;
}
