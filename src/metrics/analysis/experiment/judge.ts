/** What the comparisons of an experiment come to, in one word and one sentence. */
import type { ExperimentDefinition, ExperimentVerdict, VariantComparison } from './types.ts';
import { metricName, percent, range } from './words.ts';

export function judge(
  definition: ExperimentDefinition,
  comparisons: readonly VariantComparison[],
  mismatch: boolean,
): ExperimentVerdict {
  if (mismatch) {
    const text =
      'The variants did not get the traffic that the split says: something loses transfers of one of them, and nothing here can be trusted.';
    return { type: 'invalid', winner: undefined, text };
  }
  const primary = comparisons.flatMap(({ variant, metrics }) => {
    const found = metrics.find(({ metric }) => metric === definition.metric);
    return found ? [{ variant, ...found }] : [];
  });
  const [best] = primary.filter(({ verdict }) => verdict === 'better').sort((a, b) => a.change - b.change);
  const what = metricName(definition.metric);
  if (best !== undefined) {
    const text = `"${best.variant}" is better: ${what} ${percent(best.change)} (${range(best.low, best.high)}).`;
    return { type: 'variant_better', winner: best.variant, text };
  }
  const control = definition.variants[0]?.name ?? '';
  if (primary.length > 0 && primary.every(({ verdict }) => verdict === 'worse')) {
    const losses = primary.map(({ variant, change }) => `"${variant}" ${percent(change)}`).join(', ');
    return { type: 'control_better', winner: control, text: `"${control}" is better: ${what} of ${losses}.` };
  }
  const open = primary.map(({ variant, low, high }) => `"${variant}" ${range(low, high)}`).join(', ');
  return { type: 'undecided', winner: undefined, text: `Undecided: change of ${what} by ${open || 'nothing yet'}.` };
}
