/** Checks on what is read back from storage. Each returns the value or refuses it with field, value and accepted range. */
import { describeValue, PitwallError } from '../errors.ts';

export function checkedRecord(field: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  return refuseState(field, value, 'an object');
}

export function checkedList(field: string, value: unknown, low: number, high: number): readonly unknown[] {
  if (Array.isArray(value) && value.length >= low && value.length <= high) return value;
  return refuseState(field, value, `an array of ${low}..${high}`);
}

export function checkedNumbers(
  field: string,
  value: unknown,
  length: readonly [low: number, high: number],
  range: readonly [min: number, max: number],
): number[] {
  return checkedList(field, value, ...length).map((entry, index) =>
    checkedNumber(`${field}[${index}]`, entry, ...range),
  );
}

export function checkedNumber(field: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value;
  return refuseState(field, value, `a number in ${min}..${max}`);
}

export function checkedString(field: string, value: unknown, maxLength: number): string {
  if (typeof value === 'string' && value.length <= maxLength) return value;
  return refuseState(field, value, `a string of at most ${maxLength}`);
}

/** @throws PitwallError `PITWALL_INVALID_STATE` */
export function refuseState(field: string, value: unknown, accepted: string): never {
  throw new PitwallError(
    'PITWALL_INVALID_STATE',
    `state refused: ${field}: expected ${accepted}, got ${describeValue(value)}`,
  );
}
