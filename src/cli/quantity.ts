/** The measured quantities as people read them: which unit, how many digits. */
import type { Method } from '../decision/types.ts';
import { QUANTITIES, type QuantityName } from '../metrics/summary.ts';
import { unknownName } from './usage-error.ts';

/** What is shown where nothing was measured. */
export const NOTHING = '–';

/** Names as given on the command line, `all` for every one. @throws UsageError */
export function readQuantities(given: readonly string[]): readonly QuantityName[] {
  if (given.includes('all')) return QUANTITIES;
  return given.map((name) => {
    const found = QUANTITIES.find((quantity) => quantity === name);
    if (found === undefined) throw unknownName('quantity', name, [...QUANTITIES, 'all']);
    return found;
  });
}

export function formatQuantity(name: QuantityName, value: number): string {
  switch (name) {
    case 'throughputMBps':
      return formatMBps(value);
    case 'dataSize':
    case 'memoryUsed':
    case 'availableMemory':
      return formatBytes(value);
    case 'predictionError':
    case 'systemLoad':
      return formatShare(value);
    case 'inFlight':
      return significant(value);
    default:
      return formatUs(value);
  }
}

/** Microseconds, in the unit that suits. */
export function formatUs(us: number): string {
  if (us >= 999_500) return `${significant(us / 1e6)} s`;
  return us >= 999.5 ? `${significant(us / 1000)} ms` : `${significant(us)} µs`;
}

export function formatBytes(bytes: number): string {
  if (bytes >= 999.5e6) return `${significant(bytes / 1e9)} GB`;
  if (bytes >= 999_500) return `${significant(bytes / 1e6)} MB`;
  return bytes >= 999.5 ? `${significant(bytes / 1000)} kB` : `${significant(bytes)} B`;
}

export function formatMBps(value: number): string {
  return `${significant(value)} MB/s`;
}

export function formatShare(share: number): string {
  return `${significant(share * 100)} %`;
}

/** Three digits where there are any behind the point; whole numbers in full. */
export function significant(value: number): string {
  const digits = value === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : value >= 0.1 ? 2 : 3;
  return value.toFixed(digits);
}

/** A lane's name in sentences and tables. */
export function laneName(method: Method): string {
  return method === 'grpc' ? 'gRPC' : 'zero-copy';
}
