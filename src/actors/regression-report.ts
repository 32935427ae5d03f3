/** Regressions that belong together, set against what happened when they began, and in words. */
import { explainRise } from '../metrics/analysis/bottleneck.ts';
import { type AlarmGroup, groupAlarms } from '../metrics/analysis/grouping.ts';
import { describeKind, keyOf, kindOf } from '../metrics/analysis/kind.ts';
import {
  circumstanceChanges,
  describeRegression,
  type RegressionFacts,
} from '../metrics/analysis/regression-advice.ts';
import type { TransferRecord } from '../metrics/record.ts';
import type { RecordsQuery } from '../metrics/store-types.ts';
import type { AlertContent } from './adviser.ts';
import type { ActiveRegression } from './regression-watch.ts';
import { CAUSES, type Occurrence, type Timeline } from './timeline.ts';

export interface RegressionGroup extends AlarmGroup<ActiveRegression, Occurrence> {
  /** Stays while the group lasts. */
  readonly id: string;
}

type ReadRecords = (query: RecordsQuery) => Promise<readonly TransferRecord[]>;

/** @param alarms of one pool or of all: what begins together is one group whichever pools it concerns */
export function regressionGroups(
  alarms: readonly ActiveRegression[],
  { timeline }: { readonly timeline: Timeline },
): RegressionGroup[] {
  const events = timeline.between(0, Number.POSITIVE_INFINITY).filter(({ kind }) => CAUSES.has(kind));
  return groupAlarms(alarms, events).map((group) => {
    const pools = new Set(group.alarms.map(({ kind }) => kind.pool));
    const suspects = group.suspects.filter(({ pool }) => pool === undefined || pools.has(pool));
    return { ...group, suspects, id: `${group.sinceUs}:${group.alarms[0]?.key ?? ''}` };
  });
}

/** Records that are compared on each side of the beginning. */
const COMPARED = 2_000;
/** From here on an alert is critical: a median that is half as much again. */
const SEVERE = 1.5;

/** The alert of a group; what rose is read from the store, and left out where it does not answer. Never rejects. */
export async function describeGroup(group: RegressionGroup, records: ReadRecords): Promise<AlertContent> {
  const [worst, ...others] = [...group.alarms].sort((a, b) => b.ratio - a.ratio);
  const pools = new Set(group.alarms.map(({ kind }) => kind.pool));
  const base = {
    key: group.id,
    kind: 'regression',
    pool: pools.size === 1 ? worst?.kind.pool : undefined,
    comparison: { since: new Date(group.sinceUs / 1000).toISOString(), alarms: group.alarms.map(figures) },
  } as const;
  // A group has an alarm; the compiler cannot know.
  if (worst === undefined) return { ...base, severity: 'warning', message: 'something became slower' };
  const { summary, likelyCause, lookAt } = describeRegression({
    name: `pool ${worst.kind.pool}: ${describeKind(worst.kind)}`,
    regression: worst,
    suspects: group.suspects,
    ...(await changesOf(worst, records)),
  });
  const more = others.length === 0 ? '' : `; ${others.length} more kinds became slower at the same time`;
  return {
    ...base,
    severity: worst.ratio >= SEVERE ? 'critical' : 'warning',
    message: `${summary}${more}.`,
    likelyCause,
    lookAt: `${lookAt}. If it is meant to stay so, accept it with analyzer.acceptRegressions.`,
  };
}

async function changesOf(
  { kind, key, sinceUs }: ActiveRegression,
  records: ReadRecords,
): Promise<Pick<RegressionFacts, 'parts' | 'circumstances'>> {
  const ofKind = async (query: RecordsQuery) => {
    const found = await records({ pool: kind.pool, method: kind.method, limit: COMPARED, ...query });
    return found.filter((record) => keyOf(kindOf(record)) === key);
  };
  try {
    const [before, now] = [await ofKind({ toUs: sinceUs, reverse: true }), await ofKind({ fromUs: sinceUs })];
    return { parts: explainRise(before, now), circumstances: circumstanceChanges(before, now) };
  } catch {
    return {}; // the store is down; the alarm is told all the same
  }
}

function figures({ key, ratio, baselineUs, currentUs, transfers }: ActiveRegression) {
  return { kind: key, ratio, baselineUs, currentUs, transfers };
}
