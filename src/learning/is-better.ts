/** Whether a trained model is published: it must have beaten the rules, and the model that serves, on rows that neither saw. */
import type { Contest } from './held-out.ts';
import type { LearnerKind } from './second-layer.ts';
import type { TrainingReport } from './training-report.ts';

/** One-sided 95 %, in standard errors. */
const SURE = 1.645;
/** The better of two has two chances to look better by luck: one-sided 97.5 % for each (Bonferroni) leaves 95 % for both. */
const SURE_OF_TWO = 1.96;

/** Whether a candidate is better than the rules on rows it never saw, surely (95 %, one-sided): only then is it published. */
export function isBetter({ heldOut, rival }: Pick<TrainingReport, 'heldOut' | 'rival'>): boolean {
  return heldOut.difference + (rival === undefined ? SURE : SURE_OF_TWO) * heldOut.standardError < 0;
}

/**
 * Whether the network serves, where both were trained on the same rows: it alone is surely better than the rules; or both or neither are, and it is better than the
 * trees by more than one standard error. Within that the trees serve (the one-standard-error rule: Breiman et al., CART, 1984, ch. 3.4.3).
 */
export function prefersNetwork(trees: TrainingReport, network: TrainingReport): boolean {
  if (isBetter(trees) !== isBetter(network)) return isBetter(network);
  const { challenged } = network.rival ?? {};
  return challenged !== undefined && challenged.difference + challenged.standardError < 0;
}

export type Verdict =
  | { readonly publish: true; readonly evidence: string }
  | { readonly publish: false; readonly refusal: string };

/**
 * Surely better than the cost model alone; and by the estimate better than the incumbent, where one serves: certainty there would keep an old model for
 * ever, and a wrong step is taken back by live evidence.
 */
export function verdictOf(report: TrainingReport): Verdict {
  const { rival } = report;
  const others = rival === undefined ? '' : `; against the ${wordsFor(rival.learner)} ${told(rival.challenged)}`;
  const rules = `held-out cost against the cost model ${told(report.heldOut)}${others}`;
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

/** A learner's name in a sentence. */
export function wordsFor(learner: LearnerKind): string {
  return learner.replaceAll('_', ' ');
}

function told({ rows, difference, standardError, disagreement }: Contest): string {
  const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;
  return `${percent(difference)} ± ${percent(1.96 * standardError)} (${rows} rows, different in ${percent(disagreement)})`;
}
