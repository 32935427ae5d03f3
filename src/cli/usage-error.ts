/** A command was called in a way that it cannot answer. The message says what would be accepted; the exit code is 2. */
import { nearestName } from '../config/nearest-name.ts';
import { describeValue, PitwallError } from '../errors.ts';
import { printable } from './text.ts';

export class UsageError extends PitwallError {
  override readonly name: string = 'UsageError';

  constructor(message: string) {
    super('PITWALL_USAGE', message);
  }
}

/** There is no `what` of that name: says what there is, the likely one first. */
export function unknownName(what: string, given: string, known: readonly string[]): UsageError {
  const near = nearestName(given, known);
  const meant = near === undefined ? '' : `; did you mean ${printable(near)}?`;
  return new UsageError(`there is no ${what} ${describeValue(given)}${meant} (accepted: ${listed(known)})`);
}

const MOST_NAMES = 24;

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'none yet';
  const shown = names.slice(0, MOST_NAMES).map(printable).join(', ');
  return names.length > MOST_NAMES ? `${shown} and ${names.length - MOST_NAMES} more` : shown;
}
