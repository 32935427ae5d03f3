/** `--since`, or `--from` and `--to`: which time a command asks about. */
import type { TimeRange } from '../metrics/store-types.ts';
import { readDuration } from './duration.ts';
import { UsageError } from './usage-error.ts';

export const SINCE = { type: 'string', value: '1h', meaning: 'the time up to now: ms, s, m, h or d' } as const;

export const RANGE_OPTIONS = {
  since: SINCE,
  from: {
    type: 'string',
    value: 'TIME',
    meaning: 'ISO 8601, such as 2026-03-01T08:30:00Z; UTC where no zone is given',
  },
  to: { type: 'string', value: 'TIME', meaning: 'the same, itself left out; default now' },
} as const;

export interface RangeValues {
  readonly since?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** @throws UsageError, InvalidArgumentError */
export function readRange({ since, from, to }: RangeValues, nowUs: number): TimeRange {
  if (since !== undefined) {
    if (from !== undefined || to !== undefined) throw new UsageError('--since: goes without --from and --to');
    return { fromUs: Math.max(0, nowUs - readDuration('--since', since) * 1000) };
  }
  const fromUs = from === undefined ? undefined : readTime('--from', from);
  const toUs = to === undefined ? undefined : readTime('--to', to);
  if (fromUs !== undefined && fromUs >= (toUs ?? Number.POSITIVE_INFINITY)) {
    throw new UsageError(`--from: must lie before --to, and ${from} does not lie before ${to}`);
  }
  return { ...(fromUs === undefined ? {} : { fromUs }), ...(toUs === undefined ? {} : { toUs }) };
}

const ISO = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?)?$/;

/** Unix microseconds. */
export function readTime(option: string, text: string): number {
  const [, day, time = '00:00', zone = 'Z'] = ISO.exec(text) ?? [];
  const ms = day === undefined ? Number.NaN : Date.parse(`${day}T${time}${zone}`);
  // A day such as February 30 is read as one in March: what comes out must be what went in.
  if (!(ms >= 0) || day === undefined || !isDay(day)) {
    throw new UsageError(`${option}: expected a time such as 2026-03-01T08:30:00Z, got ${JSON.stringify(text)}`);
  }
  return ms * 1000;
}

function isDay(day: string): boolean {
  const ms = Date.parse(day);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}

/** `2026-03-01T08:30:00Z`, with milliseconds where there are any. */
export function formatTime(us: number): string {
  return new Date(us / 1000).toISOString().replace('.000Z', 'Z');
}
