import { InvalidArgumentError } from '../errors.ts';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `15m`, `1h`, `7d`, `500ms` as milliseconds, more than none. @throws InvalidArgumentError naming the option */
export function readDuration(option: string, text: string, bounds?: readonly [least: string, most: string]): number {
  const ms = milliseconds(text);
  const [least, most] = bounds ?? [];
  const low = least === undefined ? 0 : (milliseconds(least) ?? 0);
  const high = most === undefined ? MOST_MS : (milliseconds(most) ?? MOST_MS);
  if (ms === undefined || ms <= 0 || ms < low || ms > high) {
    const range = bounds === undefined ? '' : `, ${least}..${most}`;
    throw new InvalidArgumentError(option, text, `a number with ms, s, m, h or d, such as 1h${range}`);
  }
  return ms;
}

/** A hundred years: more is a slip of the hand. */
const MOST_MS = 36_525 * 86_400_000;

function milliseconds(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,15}(?:\.\d{1,9})?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = UNITS[unit];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

/** As `readDuration` takes it, in the largest unit that gives a whole number. */
export function formatDuration(ms: number): string {
  const [unit, factor] = Object.entries(UNITS).findLast(([, each]) => ms % each === 0) ?? ['ms', 1];
  return `${ms / factor}${unit}`;
}
