/** Where thresholds stood at an earlier time, read from their history. */
import type { ThresholdChange } from './threshold-types.ts';

export interface ThresholdsThen {
  /** By data type (undefined: the default), bytes, before the factor of pressure on resources. */
  readonly thresholds: ReadonlyMap<string | undefined, number>;
  /** undefined where it never moved. */
  readonly quickPathMinimum: number | undefined;
}

/** @param history newest last, and all of it since `atMs` */
export function thresholdsAt(history: readonly ThresholdChange[], atMs: number): ThresholdsThen {
  const moves = history.filter(({ kind }) => kind === 'threshold');
  const thresholds = new Map<string | undefined, number>();
  for (const dataType of new Set(moves.map((change) => change.dataType))) {
    const own = moves.filter((change) => change.dataType === dataType);
    const last = own.findLast((change) => change.atMs <= atMs);
    const first = own[0];
    if (last !== undefined) thresholds.set(dataType, last.to / last.resourceFactor);
    else if (first !== undefined) thresholds.set(dataType, before(first));
  }
  const minimums = history.filter(({ kind }) => kind === 'quick_path_minimum');
  const minimum = minimums.findLast((change) => change.atMs <= atMs)?.to ?? minimums[0]?.from;
  return { thresholds, quickPathMinimum: minimum };
}

/** A step of the resource factor moves what is in force, and not the threshold behind it. */
function before({ reason, from, to, resourceFactor }: ThresholdChange): number {
  return (reason.startsWith('resource factor') ? to : from) / resourceFactor;
}
