import { writeSync } from 'node:fs';
import type { LogAttributes, Logger } from './types.ts';

interface StderrLoggerOptions {
  /** Takes one line, newline included. Default: standard error. */
  readonly write?: (line: string) => void;
  /** Milliseconds, any origin, not running backwards. */
  readonly now?: () => number;
  /** Lines that may be written in a minute. Default 30. */
  readonly linesPerMinute?: number;
}

const WINDOW_MS = 60_000;

/**
 * The default logger: warnings and errors, one line each, to standard error; debug and info go nowhere. At most `linesPerMinute`
 * lines a minute; the first line of the next minute says how many were held back.
 */
export function createStderrLogger(options: StderrLoggerOptions = {}): Logger {
  const { write = writeStderr, now = () => performance.now(), linesPerMinute = 30 } = options;
  let windowStart = Number.NEGATIVE_INFINITY;
  let written = 0;
  let heldBack = 0;

  const log = (level: string, message: string, attributes: LogAttributes | undefined): void => {
    const time = now();
    if (time - windowStart >= WINDOW_MS) {
      if (heldBack > 0) write(`pitwall: ${heldBack} lines held back in the last minute\n`);
      windowStart = time;
      written = 0;
      heldBack = 0;
    }
    if (written >= linesPerMinute) {
      heldBack += 1;
      return;
    }
    written += 1;
    write(`pitwall ${level}: ${message}${renderAttributes(attributes)}\n`);
  };

  return Object.freeze({
    debug: () => {},
    info: () => {},
    warn: (message: string, attributes?: LogAttributes) => log('warning', message, attributes),
    error: (message: string, attributes?: LogAttributes) => log('error', message, attributes),
  });
}

/** Not `process.stderr`: a closed pipe would make that emit an `error` event, which ends a host that has no listener. */
function writeStderr(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // Closed or full: a log line is no reason to fail.
  }
}

function renderAttributes(attributes: LogAttributes | undefined): string {
  if (attributes === undefined) return '';
  try {
    return Object.entries(attributes)
      .map(([key, value]) => ` ${key}=${renderValue(value)}`)
      .join('');
  } catch {
    return ' (attributes cannot be shown)';
  }
}

function renderValue(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message);
  return typeof value === 'bigint' ? `${value}` : (JSON.stringify(value) ?? String(value));
}
