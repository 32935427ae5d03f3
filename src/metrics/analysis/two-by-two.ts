/** Whether two yes-or-no properties go together: Fisher's exact test and the risk ratio. Pure. */

/** Counts of those with and without the property, among cases and among the others. */
export interface TwoByTwo {
  readonly casesWith: number;
  readonly casesWithout: number;
  readonly othersWith: number;
  readonly othersWithout: number;
}

export interface Association extends TwoByTwo {
  /** One-sided: the probability of as many cases with the property as these, or more, where it does not matter (R. A. Fisher, 1935). */
  readonly pValue: number;
  /** Share with the property among cases over that among the others, with its 95 % interval (D. Katz et al., Biometrics 34, 1978; halves added where a count is 0). */
  readonly riskRatio: number;
  readonly low: number;
  readonly high: number;
}

export function associate(table: TwoByTwo): Association {
  return { ...table, pValue: fisherExact(table), ...riskRatio(table) };
}

/** P(cases with the property >= those seen) of the hypergeometric distribution with the same margins. */
export function fisherExact({ casesWith, casesWithout, othersWith, othersWithout }: TwoByTwo): number {
  const cases = casesWith + casesWithout;
  const having = casesWith + othersWith;
  const others = othersWith + othersWithout;
  const most = Math.min(cases, having);
  const least = Math.max(0, having - others);
  if (casesWith <= least) return 1;
  // From the count seen upwards; each term follows from the one before, and they fall once beyond the mode.
  let term = Math.exp(
    logChoose(cases, casesWith) + logChoose(others, having - casesWith) - logChoose(cases + others, having),
  );
  let sum = term;
  for (let count = casesWith; count < most; count += 1) {
    term *= ((cases - count) * (having - count)) / ((count + 1) * (others - having + count + 1));
    sum += term;
  }
  return Math.min(1, sum);
}

const Z95 = 1.959964;

function riskRatio(table: TwoByTwo): Pick<Association, 'riskRatio' | 'low' | 'high'> {
  const { casesWith, casesWithout, othersWith, othersWithout } = table;
  const cases = casesWith + casesWithout;
  const others = othersWith + othersWithout;
  if (cases === 0 || others === 0) return { riskRatio: Number.NaN, low: 0, high: Number.POSITIVE_INFINITY };
  const half = casesWith === 0 || othersWith === 0 ? 0.5 : 0;
  const shareOf = (having: number, all: number) => (having + half) / (all + 2 * half);
  const log = Math.log(shareOf(casesWith, cases) / shareOf(othersWith, others));
  const variance = 1 / (casesWith + half) - 1 / (cases + 2 * half) + 1 / (othersWith + half) - 1 / (others + 2 * half);
  const reach = Z95 * Math.sqrt(Math.max(0, variance));
  return { riskRatio: Math.exp(log), low: Math.exp(log - reach), high: Math.exp(log + reach) };
}

function logChoose(all: number, some: number): number {
  return logFactorial(all) - logFactorial(some) - logFactorial(all - some);
}

/** Exact sums while small; then Stirling's series, whose error is below 1e-12 from there on. */
function logFactorial(count: number): number {
  if (count < 32) {
    let sum = 0;
    for (let factor = 2; factor <= count; factor += 1) sum += Math.log(factor);
    return sum;
  }
  const square = count * count;
  const series = (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / count;
  return (count + 0.5) * Math.log(count) - count + 0.5 * Math.log(2 * Math.PI) + series;
}
