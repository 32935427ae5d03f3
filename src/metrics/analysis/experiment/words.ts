/** Figures of experiments for people. */
import type { MetricName, VariantDifference } from './types.ts';

export function metricName(metric: MetricName): string {
  return NAMES[metric];
}

const NAMES: Readonly<Record<MetricName, string>> = {
  latency: 'latency (geometric mean)',
  total_time: 'latency (mean)',
  error_rate: 'share of failed transfers',
  memory: 'memory of a transfer',
};

/** `-4.2 %`. */
export function percent(share: number): string {
  const value = share * 100;
  return `${value > 0 ? '+' : ''}${value.toFixed(Math.abs(value) < 10 ? 1 : 0)} %`;
}

/** `-5.1 % .. -3.3 %`; `unknown` on a side that is open. */
export function range(low: number | null, high: number | null): string {
  return `${low === null ? 'unknown' : percent(low)} .. ${high === null ? 'unknown' : percent(high)}`;
}

export function duration(us: number | undefined): string {
  if (us === undefined) return '-';
  if (us < 1e3) return `${us.toPrecision(3)} us`;
  return us < 1e6 ? `${(us / 1e3).toPrecision(3)} ms` : `${(us / 1e6).toPrecision(3)} s`;
}

export function differenceText(difference: VariantDifference): string {
  switch (difference.type) {
    case 'none':
      return "the pool's policy";
    case 'lane':
      return difference.lane === 'grpc' ? 'gRPC always' : 'zero-copy always';
    case 'threshold':
      return `zero-copy from ${difference.thresholdMb} MiB`;
    case 'policy': {
      const keys = Object.entries(difference.patch).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
      return [...keys, ...(difference.hasRules ? ['custom rules'] : [])].join(', ');
    }
    default:
      return difference satisfies never;
  }
}

/** A probability: `0.031`, `< 0.0001`. */
export function probability(value: number): string {
  return value < 1e-4 ? '< 0.0001' : value.toPrecision(2);
}
