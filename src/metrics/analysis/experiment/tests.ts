/** The tests of an experiment: at a fixed horizon, at every look, and of the split itself. Pure. */
import { sequentialReach } from '../../../learning/confidence-sequence.ts';
import { CELLS, type Difference } from './cluster-moments.ts';
import { normalTwoSided, studentQuantile, studentTwoSided } from './distributions.ts';
import type { LogHistogram } from './log-histogram.ts';

export interface TestResult {
  readonly pValue: number;
  readonly low: number;
  readonly high: number;
}

/** Welch's t-test of a difference of means (B. L. Welch, Biometrika 34, 1947), valid where the number of samples was fixed before. */
export function welch({ difference, standardError, degrees }: Difference, alpha: number): TestResult {
  if (!(standardError > 0)) return { pValue: difference === 0 ? 1 : 0, low: difference, high: difference };
  const reach = studentQuantile(1 - alpha / 2, degrees) * standardError;
  return {
    pValue: studentTwoSided(difference / standardError, degrees),
    low: difference - reach,
    high: difference + reach,
  };
}

/** Independent rows at which the always-valid interval is narrowest for its error rate. */
const NARROWEST_AT = 10_000;
/** Fewer independent rows, or degrees of freedom, say nothing: the central limit is no help, and the standard error itself is a guess. */
const LEAST_ROWS = 100;
const LEAST_DEGREES = 30;

/**
 * An interval for the difference that holds at every look: the asymptotic confidence sequence of `learning/confidence-sequence.ts`, with the honest
 * standard error in place of that of independent rows, and as many rows as would be independent. Its boundary is that of a mixture sequential
 * probability ratio test with a normal mixture (Robbins 1970; Johari, Koomen, Pekelis and Walsh, "Always valid inference", Operations Research 70, 2022).
 *
 * @param alpha how often the true difference may lie outside at any look, over all looks
 */
export function alwaysValid(
  { difference, standardError, count, degrees, designEffect }: Difference,
  alpha: number,
): { readonly low: number; readonly high: number } {
  const rows = count / designEffect;
  if (rows < LEAST_ROWS || degrees < LEAST_DEGREES || !Number.isFinite(standardError)) {
    return { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  }
  const normal = Math.sqrt(rows) * sequentialReach(rows, alpha, NARROWEST_AT);
  const reach = standardError * asStudent(normal, degrees);
  return { low: difference - reach, high: difference + reach };
}

/** Student's quantile for the probability of a normal one (Cornish and Fisher; Abramowitz and Stegun 26.7.5): the standard error is estimated too. */
function asStudent(z: number, degrees: number): number {
  return z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees * degrees);
}

export interface RankResult {
  readonly pValue: number;
  /** Probability that a transfer of the treatment takes longer than one of the control (ties count half): 0.5 is no difference. */
  readonly superiority: number;
}

/**
 * The rank test of Mann and Whitney (Annals of Mathematical Statistics 18, 1947), normal approximation with ties: values in one bin of 2 % are ties.
 *
 * @param designEffect by which the variance of independent ranks is multiplied
 */
export function mannWhitney(treatment: LogHistogram, control: LogHistogram, designEffect = 1): RankResult {
  const [a, b] = [treatment.count, control.count];
  if (a === 0 || b === 0) return { pValue: 1, superiority: 0.5 };
  const bins = [...new Set([...treatment.bins.keys(), ...control.bins.keys()])].sort((x, y) => x - y);
  let wins = 0;
  let below = 0;
  let ties = 0;
  for (const bin of bins) {
    const [inA, inB] = [treatment.bins.get(bin) ?? 0, control.bins.get(bin) ?? 0];
    wins += inA * (below + inB / 2);
    below += inB;
    ties += (inA + inB) ** 3 - (inA + inB);
  }
  const all = a + b;
  const variance = ((a * b) / 12) * (all + 1 - ties / (all * (all - 1))) * designEffect;
  const z = variance > 0 ? (wins - (a * b) / 2) / Math.sqrt(variance) : 0;
  return { pValue: normalTwoSided(z), superiority: wins / (a * b) };
}

/** Transfers of one variant, and the share of each cell that belongs to it. */
export interface VariantCount {
  readonly counts: Float64Array;
  readonly shareOfCell: Float64Array;
}

/**
 * Whether the variants got the traffic that the split says (Fabijan et al., "Diagnosing sample ratio mismatch", KDD 2019): if not, something loses
 * transfers of one variant, and no comparison means anything. A chi-square over cells in place of one over transfers, since those of a session are not
 * independent; the smallest of all variants, times their number.
 */
export function sampleRatio(variants: readonly VariantCount[]): number {
  let least = 1;
  for (const { counts, shareOfCell } of variants) {
    let excess = 0;
    let squares = 0;
    for (let cell = 0; cell < CELLS; cell += 1) {
      const all = variants.reduce((sum, variant) => sum + (variant.counts[cell] ?? 0), 0);
      const deviation = (counts[cell] ?? 0) - all * (shareOfCell[cell] ?? 0);
      excess += deviation;
      squares += deviation * deviation;
    }
    if (squares > 0) least = Math.min(least, normalTwoSided(excess / Math.sqrt(squares)));
  }
  // Of two variants one has what the other lacks: one test.
  return Math.min(1, least * (variants.length > 2 ? variants.length : 1));
}

/** Of each cell, the share of slots that each variant has. */
export function sharesOfCells(slots: Uint8Array, variants: number): Float64Array[] {
  const shares = Array.from({ length: variants }, () => new Float64Array(CELLS));
  const all = new Float64Array(CELLS);
  for (const [slot, owner] of slots.entries()) {
    const cell = slot % CELLS;
    all[cell] = (all[cell] ?? 0) + 1;
    const own = shares[owner];
    if (own) own[cell] = (own[cell] ?? 0) + 1;
  }
  for (const own of shares) for (const [cell, count] of own.entries()) own[cell] = count / (all[cell] ?? 1);
  return shares;
}
