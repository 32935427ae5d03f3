/** A variant against the control, metric by metric. Pure. */
import { type ClusterMoments, type Difference, differenceOf } from './cluster-moments.ts';
import { alwaysValid, mannWhitney, welch } from './tests.ts';
import type { Guardrails, MetricComparison, MetricName, VariantComparison } from './types.ts';
import type { VariantTally } from './variant-tally.ts';

export interface ComparisonOptions {
  /** Of this comparison: the experiment's, divided by the number of variants that are compared. */
  readonly alpha: number;
  readonly minimumSamples: number;
}

export function compareVariant(
  variant: string,
  treatment: VariantTally,
  control: VariantTally,
  options: ComparisonOptions,
): VariantComparison {
  const enough = Math.min(treatment.latency.count, control.latency.count) >= options.minimumSamples;
  const metrics = METRICS.filter((metric) => metric !== 'memory' || treatment.memory.count > 0)
    .map((metric) => ({ metric, found: differenceOf(momentsOf(metric, treatment), momentsOf(metric, control)) }))
    .map(({ metric, found }): MetricComparison => {
      const scale = scaleOf(metric, found);
      const { low, high } = alwaysValid(found, options.alpha);
      return {
        metric,
        change: scale(found.difference),
        low: finite(scale(low)),
        high: finite(scale(high)),
        verdict: high < 0 ? 'better' : low > 0 ? 'worse' : 'undecided',
        fixedHorizon: enough ? fixedHorizon(metric, found, treatment, control, options.alpha) : undefined,
      };
    });
  return { variant, metrics };
}

const METRICS: readonly MetricName[] = ['latency', 'total_time', 'error_rate', 'memory'];

function fixedHorizon(
  metric: MetricName,
  found: Difference,
  treatment: VariantTally,
  control: VariantTally,
  alpha: number,
): MetricComparison['fixedHorizon'] {
  const { pValue, low, high } = welch(found, alpha);
  const scale = scaleOf(metric, found);
  const rank =
    metric === 'latency' ? mannWhitney(treatment.latencies, control.latencies, found.designEffect) : undefined;
  return {
    pValue,
    low: scale(low),
    high: scale(high),
    rankPValue: rank?.pValue,
    superiority: rank?.superiority,
  };
}

/** A harm that is certain and beyond what is allowed; undefined where there is none. `alpha` is that of one guardrail. */
export function breachOf(
  treatment: VariantTally,
  control: VariantTally,
  guardrails: Guardrails,
  alpha: number,
): { readonly metric: MetricName; readonly limit: number; readonly change: number; readonly low: number } | undefined {
  for (const [metric, limit] of [
    ['latency', guardrails.latency],
    ['error_rate', guardrails.errorRate],
    ['memory', guardrails.memory],
  ] as const) {
    if (limit === undefined) continue;
    const found = differenceOf(momentsOf(metric, treatment), momentsOf(metric, control));
    const scale = scaleOf(metric, found);
    const low = scale(alwaysValid(found, alpha).low);
    if (low > limit) return { metric, limit, change: scale(found.difference), low };
  }
  return undefined;
}

function momentsOf(metric: MetricName, tally: VariantTally): ClusterMoments {
  switch (metric) {
    case 'latency':
      return tally.latency;
    case 'total_time':
      return tally.totalTime;
    case 'error_rate':
      return tally.errors;
    case 'memory':
      return tally.memory;
    default:
      return metric satisfies never;
  }
}

/** From a difference of what is summed to what is told. */
function scaleOf(metric: MetricName, { controlMean }: Difference): (difference: number) => number {
  if (metric === 'latency') return Math.expm1;
  if (metric === 'error_rate') return (difference) => difference;
  return (difference) => (controlMean > 0 ? difference / controlMean : Number.NaN);
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
