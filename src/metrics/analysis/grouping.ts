/** Alarms that belong together, and what happened when they began. Pure. */

export interface TimedAlarm {
  readonly atUs: number;
  /** When it began, as far as can be told. */
  readonly sinceUs: number;
}

/** Something that may have caused it: a configuration change, an annotated deployment, a restart, a rise of load, a long collection. */
export interface TimedEvent {
  readonly atUs: number;
  readonly kind: string;
  readonly detail: string;
}

export interface AlarmGroup<A extends TimedAlarm, E extends TimedEvent> {
  readonly alarms: readonly A[];
  readonly sinceUs: number;
  /** Events shortly before the beginning, the nearest first. */
  readonly suspects: readonly E[];
}

/** Alarms whose beginnings are closer than this belong together. */
const APART_US = 60_000_000;
/** Events are suspected when they came at most this long before the beginning, or this long after (beginnings are estimates). */
const BEFORE_US = 120_000_000;
const AFTER_US = 15_000_000;

export function groupAlarms<A extends TimedAlarm, E extends TimedEvent>(
  alarms: readonly A[],
  events: readonly E[],
): AlarmGroup<A, E>[] {
  const groups: A[][] = [];
  for (const alarm of [...alarms].sort((a, b) => a.sinceUs - b.sinceUs)) {
    const last = groups[groups.length - 1];
    const newest = last?.[last.length - 1];
    if (last !== undefined && newest !== undefined && alarm.sinceUs - newest.sinceUs <= APART_US) last.push(alarm);
    else groups.push([alarm]);
  }
  return groups.map((group) => {
    const sinceUs = Math.min(...group.map((alarm) => alarm.sinceUs));
    const suspects = events
      .filter((event) => event.atUs >= sinceUs - BEFORE_US && event.atUs <= sinceUs + AFTER_US)
      .sort((a, b) => Math.abs(a.atUs - sinceUs) - Math.abs(b.atUs - sinceUs));
    return { alarms: group, sinceUs, suspects };
  });
}
