import type { TrainingReport } from './train-model.ts';

/** One-sided 95 %, in standard errors. */
const SURE = 1.645;

/** Whether a candidate is better than the rules on rows it never saw, surely (95 %, one-sided): only then is it published. */
export function isBetter(report: TrainingReport): boolean {
  const { difference, standardError } = report.heldOut;
  return difference + SURE * standardError < 0;
}
