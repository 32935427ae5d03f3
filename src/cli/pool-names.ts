/** Which pools a command speaks of. */
import type { Method } from '../decision/types.ts';
import type { MetricsStore } from '../metrics/store-types.ts';
import { UsageError, unknownName } from './usage-error.ts';

export const POOL = { type: 'string', value: 'NAME', meaning: 'this pool alone; all of them else' } as const;
export const METHOD = { type: 'string', value: 'zero_copy|grpc', meaning: 'this lane alone' } as const;

/** All pools that have records, or the one asked for. @throws UsageError where it has none */
export function readPools(store: MetricsStore, asked: string | undefined): readonly string[] {
  const known = store.pools();
  if (asked === undefined) return known;
  if (!known.includes(asked)) throw unknownName('pool', asked, known);
  return [asked];
}

/** @throws UsageError */
export function readMethod(text: string | undefined): Method | undefined {
  if (text === undefined || text === 'grpc' || text === 'zero_copy') return text;
  throw new UsageError(`--method: expected zero_copy or grpc, got ${JSON.stringify(text)}`);
}
