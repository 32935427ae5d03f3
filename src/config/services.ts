import type { Path, Problems } from './problems.ts';
import { readProperty } from './read.ts';
import { createStderrLogger } from './stderr-logger.ts';
import type { ConfiguredClock, LogAttributes, Logger } from './types.ts';

/** Objects and functions that a host injects. They may be class instances, so inherited methods count and `this` is kept. */

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** A logger that never throws: the default one, none (`false`), or the host's behind a guard. */
export function readLogger(value: unknown, path: Path, problems: Problems): Logger {
  if (value === undefined) return createStderrLogger();
  const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  if (value === false) return Object.freeze(silent);
  const methods = readMethods(value, LEVELS, path, problems);
  if (methods === undefined) {
    problems.expected(path, 'an object with the functions debug, info, warn and error, or false', value);
    return silent;
  }
  const log = (level: number) => {
    const method = methods[level];
    return method === undefined
      ? ignore
      : (message: string, attributes?: LogAttributes) => attempt(value, method, message, attributes);
  };
  return Object.freeze({ debug: log(0), info: log(1), warn: log(2), error: log(3) });
}

export function readClock(value: unknown, path: Path, problems: Problems): ConfiguredClock | undefined {
  if (value === undefined) return undefined;
  const methods = readMethods(value, ['now', 'setTimer'], path, problems);
  if (methods !== undefined) return value as ConfiguredClock; // both functions are there; their signatures cannot be checked
  problems.expected(path, 'a clock with the functions now and setTimer', value);
  return undefined;
}

export function readRandom(value: unknown, path: Path, problems: Problems): () => number {
  if (value === undefined) return Math.random;
  if (typeof value === 'function') return value as () => number; // its result is only known when it is called
  problems.expected(path, 'a function that returns a number in 0..1', value);
  return Math.random;
}

type Method = (...args: unknown[]) => unknown;

function readMethods(value: unknown, names: readonly string[], path: Path, problems: Problems): Method[] | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  const methods: Method[] = [];
  for (const name of names) {
    const method = readProperty(value, name, path, problems);
    if (typeof method !== 'function') return undefined;
    methods.push(method as Method); // typeof says function; that is all there is to know
  }
  return methods;
}

/** Calls a host's log function: what it throws, or rejects with later, must not reach what pitwall was doing. */
function attempt(logger: unknown, method: Method, message: string, attributes: LogAttributes | undefined): void {
  try {
    const result = Reflect.apply(method, logger, attributes === undefined ? [message] : [message, attributes]);
    if (result instanceof Promise) result.catch(ignore);
  } catch {
    // Where should it be logged?
  }
}

function ignore(): void {}
