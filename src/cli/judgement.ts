/** Whether objectives hold for what was measured. Pure. */
import type { RangeStatistics } from '../metrics/statistics.ts';
import { EXIT } from './command.ts';
import type { Judged, Measured, Objective } from './objective.ts';

export type Verdict = 'holds' | 'violated' | 'no data' | 'too few';

export interface Judgement {
  readonly objective: Objective;
  readonly measured: Measured | undefined;
  /** Room that is left to the limit, as a share of it; below 0 where it is broken; undefined where the limit is 0. */
  readonly margin: number | undefined;
  /** The figure lies so near to its limit that the error of its sketch could turn the verdict. */
  readonly close: boolean;
  readonly verdict: Verdict;
}

/** @param minCount records that a figure must rest on to be judged */
export function judge(
  objective: Objective,
  statistics: Judged & Pick<RangeStatistics, 'relativeAccuracy'>,
  minCount: number,
): Judgement {
  const measured = objective.measure(statistics);
  if (measured === undefined) return { objective, measured, margin: undefined, close: false, verdict: 'no data' };
  const room = objective.bound === 'most' ? objective.limit - measured.value : measured.value - objective.limit;
  const margin = objective.limit === 0 ? undefined : room / objective.limit;
  const close =
    objective.estimated && Math.abs(objective.limit - measured.value) <= measured.value * statistics.relativeAccuracy;
  const enough = measured.count >= minCount || objective.name === 'count';
  return { objective, measured, margin, close, verdict: !enough ? 'too few' : room >= 0 ? 'holds' : 'violated' };
}

/** One broken objective is an answer, whatever the others lack. */
export function exitCodeOf(judgements: readonly Judgement[]): number {
  const verdicts = new Set(judgements.map(({ verdict }) => verdict));
  if (verdicts.has('violated')) return EXIT.no;
  return judgements.length === 0 || verdicts.has('no data') || verdicts.has('too few') ? EXIT.usage : EXIT.ok;
}
