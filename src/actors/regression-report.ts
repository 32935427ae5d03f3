/** Regressions that belong together, set against what happened when they began, and in words. */
import type { PartChange } from '../metrics/analysis/bottleneck.ts';
import { explainRise } from '../metrics/analysis/bottleneck.ts';
import { type AlarmGroup, groupAlarms } from '../metrics/analysis/grouping.ts';
import type { TransferRecord } from '../metrics/record.ts';
import type { RecordsQuery } from '../metrics/store-types.ts';
import type { AlertContent } from './adviser.ts';
import { type ActiveRegression, describeKind, keyOf, kindOf } from './regression-watch.ts';
import type { Occurrence, OccurrenceKind, Timeline } from './timeline.ts';

export interface RegressionGroup extends AlarmGroup<ActiveRegression, Occurrence> {
  /** Stays while the group lasts. */
  readonly id: string;
}

type ReadRecords = (query: RecordsQuery) => Promise<readonly TransferRecord[]>;

/** What can make transfers slower; `drift` is how they look when they have become so. */
const CAUSES = new Set<OccurrenceKind>([
  'annotation',
  'runtime_started',
  'policy_changed',
  'mode_changed',
  'threshold_changed',
  'model_published',
  'actor_restarted',
  'lane_closed',
  'load_rise',
]);

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

/** The alert of a group; what rose is read from the store, and left out where it does not answer. Never rejects. */
export async function describeGroup(group: RegressionGroup, records: ReadRecords): Promise<AlertContent> {
  const worst = [...group.alarms].sort((a, b) => b.ratio - a.ratio)[0];
  const rises = worst === undefined ? [] : await risesOf(worst, records);
  const pools = [...new Set(group.alarms.map(({ kind }) => kind.pool))];
  const others = group.alarms.length - 1;
  const [suspect] = group.suspects;
  return {
    key: group.id,
    kind: 'regression',
    severity: worst !== undefined && worst.ratio >= SEVERE ? 'critical' : 'warning',
    pool: pools.length === 1 ? pools[0] : undefined,
    message: `${worst === undefined ? '' : sentence(worst)}${others > 0 ? `; ${others} more kinds became slower at the same time` : ''}.`,
    comparison: { since: new Date(group.sinceUs / 1000).toISOString(), alarms: group.alarms.map(figures) },
    likelyCause: suspect === undefined ? risen(rises) : `${suspect.kind}: ${suspect.detail}`,
    lookAt: lookAt(group, rises),
  };
}

/** From here on an alert is critical: a median that is half as much again. */
const SEVERE = 1.5;

async function risesOf({ kind, key, sinceUs }: ActiveRegression, records: ReadRecords): Promise<PartChange[]> {
  const ofKind = async (query: RecordsQuery) => {
    const found = await records({ pool: kind.pool, method: kind.method, limit: COMPARED, ...query });
    return found.filter((record) => keyOf(kindOf(record)) === key);
  };
  try {
    return explainRise(await ofKind({ toUs: sinceUs, reverse: true }), await ofKind({ fromUs: sinceUs }));
  } catch {
    return []; // the store is down; the alarm is told all the same
  }
}

function sentence({ kind, ratio, baselineUs, currentUs, transfers }: ActiveRegression): string {
  const slower = `${((ratio - 1) * 100).toFixed(0)} % slower than usual`;
  return `pool ${kind.pool}: ${describeKind(kind)}: ${slower} (${milliseconds(baselineUs)} -> ${milliseconds(currentUs)}, over ${transfers} transfers)`;
}

function figures({ key, ratio, baselineUs, currentUs, transfers }: ActiveRegression) {
  return { kind: key, ratio, baselineUs, currentUs, transfers };
}

function risen([first]: readonly PartChange[]): string | undefined {
  return first && `${first.part} takes longer: ${((first.share * 100) | 0).toString()} % of the rise`;
}

function lookAt({ suspects }: RegressionGroup, rises: readonly PartChange[]): string {
  const happened = suspects.slice(0, 3).map(({ kind, detail, atUs }) => `${iso(atUs)} ${kind}: ${detail}`);
  const parts = rises.slice(0, 2).map(({ part, risenUs }) => `${part} rose by ${milliseconds(risenUs)}`);
  const all = [...parts, ...happened];
  if (all.length > 0) return `${all.join('; ')}. If it is meant to stay so, accept it with analyzer.acceptRegressions.`;
  return 'nothing is known to have happened then: what else ran on the machine, and the handlers of the workers';
}

function iso(atUs: number): string {
  return new Date(atUs / 1000).toISOString();
}

function milliseconds(us: number): string {
  return us < 1_000 ? `${us.toFixed(0)} us` : `${(us / 1000).toFixed(2)} ms`;
}
