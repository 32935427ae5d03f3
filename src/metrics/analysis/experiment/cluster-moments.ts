/**
 * What is kept of one metric in one variant: sums by cell of the split. A session's transfers are alike, so transfers are not independent, slots are:
 * they were drawn. The scatter between cells (slots by their remainder) is the honest one, whether requests drew each for itself or sessions stuck
 * (cluster-robust variance; Deng, Knoblich and Lu, "Applying the Delta Method in Metric Analytics", KDD 2018).
 *
 * A covariate that was known before the variant was (the payload's size) takes the scatter away that it explains (CUPED: Deng, Xu, Kohavi and Walker,
 * WSDM 2013): the larger part of a latency's.
 */
import type { JsonValue } from '../../../learning/types.ts';

export const CELLS = 256;

export class ClusterMoments {
  readonly counts = new Float64Array(CELLS);
  readonly values = new Float64Array(CELLS);
  readonly covariates = new Float64Array(CELLS);
  count = 0;
  sum = 0;
  covariateSum = 0;
  squares = 0;
  products = 0;
  covariateSquares = 0;

  add(slot: number, value: number, covariate: number): void {
    const cell = slot % CELLS;
    this.counts[cell] = (this.counts[cell] ?? 0) + 1;
    this.values[cell] = (this.values[cell] ?? 0) + value;
    this.covariates[cell] = (this.covariates[cell] ?? 0) + covariate;
    this.count += 1;
    this.sum += value;
    this.covariateSum += covariate;
    this.squares += value * value;
    this.products += value * covariate;
    this.covariateSquares += covariate * covariate;
  }

  get mean(): number {
    return this.count > 0 ? this.sum / this.count : Number.NaN;
  }

  toJson(): JsonValue {
    const { counts, values, covariates, count, sum, covariateSum, squares, products, covariateSquares } = this;
    const columns = [counts, values, covariates].map((column) => [...column]);
    return { columns, sums: [count, sum, covariateSum, squares, products, covariateSquares] };
  }

  /** @throws TypeError for another form */
  static fromJson(stored: JsonValue | undefined): ClusterMoments {
    const moments = new ClusterMoments();
    if (typeof stored !== 'object' || stored === null || !('columns' in stored) || !Array.isArray(stored.columns)) {
      throw new TypeError('stored sums have another form');
    }
    const columns: readonly JsonValue[] = stored.columns;
    for (const [index, column] of [moments.counts, moments.values, moments.covariates].entries()) {
      const from = columns[index];
      if (!Array.isArray(from) || from.length !== CELLS) throw new TypeError('stored sums have another form');
      for (const [cell, value] of from.entries()) column[cell] = numberOf(value);
    }
    const sums: readonly JsonValue[] = 'sums' in stored && Array.isArray(stored.sums) ? stored.sums : [];
    moments.count = numberOf(sums[0]);
    moments.sum = numberOf(sums[1]);
    moments.covariateSum = numberOf(sums[2]);
    moments.squares = numberOf(sums[3]);
    moments.products = numberOf(sums[4]);
    moments.covariateSquares = numberOf(sums[5]);
    return moments;
  }
}

function numberOf(value: JsonValue | undefined): number {
  if (typeof value !== 'number') throw new TypeError('stored sums have another form');
  return value;
}

export interface Difference {
  /** Mean of the treatment minus mean of the control, at the same covariate. */
  readonly difference: number;
  readonly standardError: number;
  /** Welch's and Satterthwaite's, over cells. */
  readonly degrees: number;
  readonly controlMean: number;
  readonly treatmentMean: number;
  /** Rows of both. */
  readonly count: number;
  /** How many times the variance of independent rows the honest one is, at least 1. */
  readonly designEffect: number;
}

export function differenceOf(treatment: ClusterMoments, control: ClusterMoments): Difference {
  const both = [treatment, control];
  const xx = both.reduce((sum, m) => sum + m.covariateSquares - over(m.covariateSum * m.covariateSum, m.count), 0);
  const xy = both.reduce((sum, m) => sum + m.products - over(m.covariateSum * m.sum, m.count), 0);
  const slope = xx > 0 ? xy / xx : 0;
  const count = treatment.count + control.count;
  const covariate = over(treatment.covariateSum + control.covariateSum, count);
  const [ofTreatment, ofControl] = [meanOf(treatment, slope, covariate), meanOf(control, slope, covariate)];
  const variance = ofTreatment.variance + ofControl.variance;
  const independent = ofTreatment.independentVariance + ofControl.independentVariance;
  return {
    difference: ofTreatment.mean - ofControl.mean,
    standardError: Math.sqrt(variance),
    degrees:
      variance > 0
        ? variance ** 2 /
          (ofTreatment.variance ** 2 / ofTreatment.degrees + ofControl.variance ** 2 / ofControl.degrees)
        : 1,
    controlMean: ofControl.mean,
    treatmentMean: ofTreatment.mean,
    count,
    designEffect: independent > 0 ? Math.max(1, variance / independent) : 1,
  };
}

interface AdjustedMean {
  readonly mean: number;
  /** Of the mean. */
  readonly variance: number;
  readonly independentVariance: number;
  readonly degrees: number;
}

function meanOf(moments: ClusterMoments, slope: number, covariate: number): AdjustedMean {
  const { count, counts, values, covariates } = moments;
  const centre = over(moments.sum - slope * moments.covariateSum, count);
  let squares = 0;
  let cells = 0;
  for (let cell = 0; cell < CELLS; cell += 1) {
    const rows = counts[cell] ?? 0;
    if (rows === 0) continue;
    cells += 1;
    squares += ((values[cell] ?? 0) - slope * (covariates[cell] ?? 0) - rows * centre) ** 2;
  }
  const rowSquares =
    moments.squares - 2 * slope * moments.products + slope * slope * moments.covariateSquares - count * centre * centre;
  return {
    mean: centre + slope * covariate,
    variance: cells > 1 ? ((cells / (cells - 1)) * squares) / (count * count) : Number.POSITIVE_INFINITY,
    independentVariance: count > 1 ? Math.max(0, rowSquares) / (count * (count - 1)) : 0,
    degrees: Math.max(1, cells - 1),
  };
}

function over(value: number, count: number): number {
  return count > 0 ? value / count : 0;
}
