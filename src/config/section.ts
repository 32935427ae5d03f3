import type { z } from 'zod';
import { nearestName } from './nearest-name.ts';
import type { Path, Problems } from './problems.ts';
import { emptyPlain, type Plain } from './read.ts';

export interface Section<T> {
  /** Every key with a valid value: where the given one was refused, its default, so that the checks that follow can go on. */
  readonly value: T;
  /** Keys whose given value was refused. */
  readonly refused: ReadonlySet<string>;
}

/** Checks the plain keys of one place against their schema, telling every problem. */
export function readSection<T>(schema: z.ZodType<T>, entries: Plain, path: Path, problems: Problems): Section<T> {
  const first = schema.safeParse(entries);
  if (first.success) return { value: first.data, refused: new Set() };
  const refused = new Set<string>();
  for (const issue of first.error.issues) {
    const key = String(issue.path[0]);
    // A value that breaks two checks of a field is refused with the same sentence twice: once is enough.
    if (!refused.has(key)) problems.add([...path, key], issue.message);
    refused.add(key);
  }
  const accepted = emptyPlain();
  for (const [key, value] of Object.entries(entries)) {
    if (!refused.has(key)) accepted[key] = value;
  }
  return { value: schema.parse(accepted), refused };
}

/** Tells the keys that nothing knows, with the name that was probably meant. */
export function refuseUnknownKeys(entries: Plain, known: readonly string[], path: Path, problems: Problems): void {
  for (const key of Object.keys(entries)) {
    if (known.includes(key)) continue;
    const nearest = nearestName(key, known);
    problems.add([...path, key], `unknown key${nearest === undefined ? '' : `, did you mean "${nearest}"?`}`);
  }
}
