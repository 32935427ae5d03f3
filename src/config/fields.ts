import { z } from 'zod';
import { expected } from './problems.ts';

/** What the reference page says of a field: `docs/configuration.md` is held against these by a test. */
export interface FieldDoc {
  readonly accepted: string;
  readonly standard: string;
  readonly description: string;
}

export const fieldDocs = z.registry<FieldDoc>();

interface NumberRange {
  readonly min: number;
  readonly max: number;
  readonly whole?: boolean;
}

/** 1 KiB or so up to 1 TiB: what a threshold may be, in mebibytes. */
export const THRESHOLD_MB: NumberRange = { min: 0.001, max: 1_048_576 };
export const SHARE: NumberRange = { min: 0, max: 1 };

export function flag(standard: boolean, description: string) {
  const accepted = 'true or false';
  const schema = z.boolean({ error: refusal(accepted) }).default(standard);
  return schema.register(fieldDocs, { accepted, standard: `\`${standard}\``, description });
}

export function optionalFlag(standard: string, description: string) {
  const accepted = 'true or false';
  const schema = z.boolean({ error: refusal(accepted) }).optional();
  return schema.register(fieldDocs, { accepted, standard, description });
}

export function number(range: NumberRange, standard: number, description: string) {
  const schema = numberIn(range).default(standard);
  return schema.register(fieldDocs, { accepted: acceptedNumber(range), standard: `\`${standard}\``, description });
}

export function optionalNumber(range: NumberRange, standard: string, description: string) {
  const schema = numberIn(range).optional();
  return schema.register(fieldDocs, { accepted: acceptedNumber(range), standard, description });
}

export function choice<const T extends readonly [string, ...string[]]>(
  choices: T,
  standard: T[number],
  description: string,
) {
  const accepted = `one of ${choices.join(', ')}`;
  const schema = z
    .enum(choices, { error: refusal(accepted) })
    // zod cannot see that one of the choices is never undefined.
    .default(() => standard as z.core.util.NoUndefined<z.infer<z.ZodEnum<{ [K in T[number]]: K }>>>);
  return schema.register(fieldDocs, { accepted, standard: `\`${standard}\``, description });
}

export function optionalChoice<const T extends readonly [string, ...string[]]>(
  choices: T,
  standard: string,
  description: string,
) {
  const accepted = `one of ${choices.join(', ')}`;
  const schema = z.enum(choices, { error: refusal(accepted) }).optional();
  return schema.register(fieldDocs, { accepted, standard, description });
}

/** A value that a type guard recognizes, with a default. */
export function guarded<T>(
  is: (value: unknown) => value is T,
  doc: { readonly accepted: string; readonly standard: T; readonly description: string },
) {
  const schema = z
    .custom<T>(is, { error: refusal(doc.accepted) })
    // zod cannot see that a documented default is never undefined.
    .default(() => doc.standard as z.core.util.NoUndefined<T>);
  return schema.register(fieldDocs, { ...doc, standard: `\`${String(doc.standard)}\`` });
}

/** As `guarded`, absent by default. */
export function optionalGuarded<T>(is: (value: unknown) => value is T, doc: FieldDoc) {
  return z
    .custom<T>(is, { error: refusal(doc.accepted) })
    .optional()
    .register(fieldDocs, doc);
}

export function numberIn(range: NumberRange): z.ZodNumber {
  const error = refusal(acceptedNumber(range));
  const schema = z.number({ error }).min(range.min, { error }).max(range.max, { error });
  return range.whole === true ? schema.int({ error }) : schema;
}

function acceptedNumber({ min, max, whole }: NumberRange): string {
  return `a ${whole === true ? 'whole ' : ''}number in ${min}..${max}`;
}

/** zod asks this for the sentence of every problem it finds in a field. */
function refusal(accepted: string): (issue: { readonly input?: unknown }) => string {
  return (issue) => expected(accepted, issue.input);
}
