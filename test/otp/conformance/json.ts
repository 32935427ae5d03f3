/** What scenarios and traces are made of. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export type JsonObject = { readonly [key: string]: Json };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}

export function asObject(value: Json | undefined): JsonObject {
  if (isObject(value)) return value;
  throw new TypeError(`an object is wanted, not ${JSON.stringify(value)}`);
}

export function asText(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`a string is wanted, not ${JSON.stringify(value)}`);
}

export function asNumber(value: Json | undefined): number {
  if (typeof value === 'number') return value;
  throw new TypeError(`a number is wanted, not ${JSON.stringify(value)}`);
}

export function asList(value: Json | undefined): readonly Json[] {
  if (isList(value)) return value;
  throw new TypeError(`a list is wanted, not ${JSON.stringify(value)}`);
}

/** Sorted keys and no white space: equal values are equal bytes. */
export function canonical(value: Json | undefined): string {
  if (isList(value)) return `[${value.map(canonical).join(',')}]`;
  if (isObject(value)) {
    const fields = Object.keys(value).sort();
    return `{${fields.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`;
  }
  return JSON.stringify(value ?? null);
}
