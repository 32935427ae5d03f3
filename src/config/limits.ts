import type { Path, Problems } from './problems.ts';

/**
 * Checks minimum <= base <= maximum.
 *
 * @param baseKey what the threshold between the bounds is called in this place
 * @param given the keys that were written in this place; the others are said to be inherited
 */
export function checkLimits<K extends string>(
  thresholds: Readonly<Record<K | 'minimumThresholdMb' | 'maximumThresholdMb', number>>,
  baseKey: K,
  given: readonly string[],
  path: Path,
  problems: Problems,
): void {
  const name = (key: K | 'minimumThresholdMb' | 'maximumThresholdMb') =>
    `${key} (${thresholds[key]}${given.includes(key) ? '' : ', inherited'})`;
  const minimum = thresholds.minimumThresholdMb;
  const maximum = thresholds.maximumThresholdMb;
  const base = thresholds[baseKey];
  const inherited = given.includes(baseKey) ? '' : ', inherited';
  if (minimum > maximum) {
    problems.add([...path, 'minimumThresholdMb'], `expected at most ${name('maximumThresholdMb')}, got ${minimum}`);
  } else if (base < minimum) {
    problems.add([...path, baseKey], `expected at least ${name('minimumThresholdMb')}, got ${base}${inherited}`);
  } else if (base > maximum) {
    problems.add([...path, baseKey], `expected at most ${name('maximumThresholdMb')}, got ${base}${inherited}`);
  }
}
