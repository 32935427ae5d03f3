/** Distribution function of the standard normal: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.17; error below 7.5e-8. */
export function normalCdf(z: number): number {
  const magnitude = Math.abs(z);
  if (magnitude > 8) return z > 0 ? 1 : 0;
  const t = 1 / (1 + 0.2316419 * magnitude);
  const polynomial = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const upper = 0.3989422804014327 * Math.exp((-magnitude * magnitude) / 2) * polynomial;
  return z > 0 ? 1 - upper : upper;
}
