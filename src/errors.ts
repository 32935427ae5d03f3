/**
 * One family of errors. Every error that pitwall throws or rejects with is a `PitwallError`; match its `code`, which is stable
 * across versions, never its message. `docs/errors.md` lists all codes.
 */
export class PitwallError extends Error {
  override readonly name: string = 'PitwallError';
  /** Stable identifier, such as `PITWALL_INVALID_ARGUMENT`. */
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** A value that a caller gave is not acceptable. `field` says which, `accepted` what would be. */
export class InvalidArgumentError extends PitwallError {
  override readonly name: string = 'InvalidArgumentError';
  readonly field: string;
  readonly accepted: string;

  constructor(field: string, given: unknown, accepted: string) {
    super('PITWALL_INVALID_ARGUMENT', `${field}: expected ${accepted}, got ${describeValue(given)}`);
    this.field = field;
    this.accepted = accepted;
  }
}

/** Renders any value briefly for an error message: never throws, never longer than about 80 characters. */
export function describeValue(value: unknown): string {
  try {
    if (typeof value === 'string') return JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value);
    if (typeof value === 'function') return 'a function';
    if (typeof value === 'object' && value !== null) {
      return Array.isArray(value) ? `an array of ${value.length}` : 'an object';
    }
    if (typeof value === 'bigint') return `${String(value).slice(0, 64)}n`;
    return String(value).slice(0, 80);
  } catch {
    return 'a value that cannot be shown';
  }
}
