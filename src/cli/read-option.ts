/** Values of options that are numbers, or one of some words. */
import { describeValue } from '../errors.ts';
import { UsageError, unknownName } from './usage-error.ts';

/** @throws UsageError where it is no number, or below `least` */
export function readNumber(option: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+(\.\d+)?(e-?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (value >= least && Number.isFinite(value)) return value;
  throw new UsageError(`${option}: expected a number of at least ${least}, got ${describeValue(text)}`);
}

/** @throws UsageError naming the words that are accepted */
export function readChoice<T extends string>(
  option: string,
  text: string | undefined,
  accepted: readonly T[],
): T | undefined {
  if (text === undefined) return undefined;
  const choice = accepted.find((word) => word === text);
  if (choice === undefined) throw unknownName(`${option.replace(/^--/, '')}`, text, accepted);
  return choice;
}
