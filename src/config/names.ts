/** What a pool or a data type may be called; `__proto__` and `constructor` are names like any other. */
export const ACCEPTED_NAME = 'a name of 1..128 characters without control characters';

/**
 * True for a name that can be stored, logged and exported as it is. Requests and configuration are held to the same rule. Unpaired
 * surrogates are refused because two names that differ only there would be stored as one.
 */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length >= 1 && value.length <= 128 && !/[\p{Cc}\p{Cs}]/u.test(value);
}
