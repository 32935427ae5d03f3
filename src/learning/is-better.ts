/** Whether a trained model is published: it must have beaten the rules, and the model that serves, on rows that neither saw. */
import type { Contest } from './held-out.ts';
import type { TrainingReport } from './train-model.ts';

/** One-sided 95 %, in standard errors. */
const SURE = 1.645;

/** Whether a candidate is better than the rules on rows it never saw, surely (95 %, one-sided): only then is it published. */
export function isBetter({ heldOut }: TrainingReport): boolean {
  return heldOut.difference + SURE * heldOut.standardError < 0;
}

export type Verdict =
  | { readonly publish: true; readonly evidence: string }
  | { readonly publish: false; readonly refusal: string };

/**
 * Surely better than the cost model alone; and by the estimate better than the incumbent, where one serves: certainty there would keep an old model for
 * ever, and a wrong step is taken back by live evidence.
 */
export function verdictOf(report: TrainingReport): Verdict {
  const rules = `held-out cost against the cost model ${told(report.heldOut)}`;
  if (!isBetter(report)) return { publish: false, refusal: `not surely better than the cost model: ${rules}` };
  const { incumbent } = report;
  if (incumbent === undefined) return { publish: true, evidence: rules };
  const both = `${rules}; against the serving model ${told(incumbent.challenged)}`;
  // Where the incumbent itself no longer beats the rules, beating it says nothing.
  const beaten = incumbent.challenged.difference < 0 || isWorse(incumbent.alone);
  return beaten
    ? { publish: true, evidence: both }
    : { publish: false, refusal: `the serving model is as good: ${both}` };
}

/** Whether the model that serves has surely become worse than the rules: it is dropped, with or without a successor. */
export function isWorse({ difference, standardError }: Contest): boolean {
  return difference - SURE * standardError > 0;
}

function told({ rows, difference, standardError, disagreement }: Contest): string {
  const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;
  return `${percent(difference)} ± ${percent(1.96 * standardError)} (${rows} rows, different in ${percent(disagreement)})`;
}
