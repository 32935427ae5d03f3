import type { Path, Problems } from './problems.ts';

/**
 * Configuration comes from anywhere, so reading it is the first thing that can fail: getters throw, proxies lie, keys are called
 * `__proto__`. What is read here is read exactly once and copied; everything after works on the copy.
 */

/** The copy: no prototype, so that every key is a key like any other. */
export type Plain = Record<string, unknown>;

/** No honest configuration has more keys or elements in one place. */
const MOST_ENTRIES = 10_000;

/** Own enumerable string keys of a plain object; undefined, with the problem told, where it is none or cannot be read. */
export function readObject(value: unknown, path: Path, problems: Problems): Plain | undefined {
  if (!isPlainObject(value)) {
    problems.expected(path, 'a plain object', value);
    return undefined;
  }
  return guarded(path, problems, () => {
    const keys = Object.keys(value);
    if (keys.length > MOST_ENTRIES) {
      problems.add(path, `expected at most ${MOST_ENTRIES} keys, got ${keys.length}`);
      return undefined;
    }
    const copy = emptyPlain();
    for (const key of keys) {
      guarded([...path, key], problems, () => {
        const entry: unknown = Reflect.get(value, key);
        // An option that is undefined is an option that was not given.
        if (entry !== undefined) copy[key] = entry;
      });
    }
    return copy;
  });
}

/** Elements of an array; undefined, with the problem told, where it is none or cannot be read. */
export function readArray(value: unknown, path: Path, problems: Problems): unknown[] | undefined {
  return guarded(path, problems, () => {
    if (!Array.isArray(value)) {
      problems.expected(path, 'an array', value);
      return undefined;
    }
    const length = value.length;
    if (length > MOST_ENTRIES) {
      problems.add(path, `expected at most ${MOST_ENTRIES} elements, got ${length}`);
      return undefined;
    }
    const copy: unknown[] = [];
    for (let index = 0; index < length; index += 1) {
      copy.push(guarded([...path, index], problems, (): unknown => value[index]));
    }
    return copy;
  });
}

/** `Array.isArray`, which throws on a revoked proxy. */
export function isArray(value: unknown): boolean {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/** A property of any object, inherited ones too: for loggers, clocks and rules, which may be instances of classes. */
export function readProperty(value: object, key: string, path: Path, problems: Problems): unknown {
  return guarded([...path, key], problems, (): unknown => Reflect.get(value, key));
}

/**
 * An object literal, of this realm or another, or one without prototype. A Map, a Promise or a class instance is none, nor is what
 * cannot be asked (a revoked proxy).
 */
export function isPlainObject(value: unknown): value is object {
  try {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    const prototype: unknown = Object.getPrototypeOf(value);
    return prototype === null || (typeof prototype === 'object' && Object.getPrototypeOf(prototype) === null);
  } catch {
    return false;
  }
}

export function emptyPlain(): Plain {
  return Object.create(null) as Plain; // lib.es5 types it `any`
}

function guarded<T>(path: Path, problems: Problems, read: () => T): T | undefined {
  try {
    return read();
  } catch {
    problems.add(path, 'could not be read: reading it threw');
    return undefined;
  }
}
