/** The persistent form of a threshold tuner, and the check on what is read back. */
import { checkedList, checkedNumber, checkedRecord, checkedString, refuseState } from './state-check.ts';

export const TUNING_STATE_VERSION = 1;

export interface TuningState {
  readonly quickPathMinimum: number;
  readonly refusedDataTypes: number;
  readonly entries: readonly {
    readonly dataType: string | null;
    readonly base: number;
    readonly adjustmentFactor: number;
    readonly smoothed: number | null;
    readonly movedAtMs: number;
  }[];
  readonly history: readonly {
    readonly atMs: number;
    readonly dataType: string | null;
    readonly kind: 'threshold' | 'quick_path_minimum';
    readonly from: number;
    readonly to: number;
    readonly adjustmentFactor: number;
    readonly resourceFactor: number;
    readonly reason: string;
    readonly expectedGain: number;
  }[];
}

const MAX_BYTES = Number.MAX_SAFE_INTEGER;
const MAX_TEXT = 1000;

/** @throws PitwallError `PITWALL_INVALID_STATE` */
export function checkedTuningState(state: unknown): TuningState {
  const root = checkedRecord('state', state);
  if (root.version !== TUNING_STATE_VERSION) refuseState('version', root.version, String(TUNING_STATE_VERSION));
  return {
    quickPathMinimum: checkedNumber('quickPathMinimum', root.quickPathMinimum, 0, MAX_BYTES),
    refusedDataTypes: checkedNumber('refusedDataTypes', root.refusedDataTypes, 0, MAX_BYTES),
    entries: checkedList('entries', root.entries, 0, 5000).map((entry, index) =>
      checkedEntry(`entries[${index}]`, entry),
    ),
    history: checkedList('history', root.history, 0, 100_000).map((change, index) =>
      checkedChange(`history[${index}]`, change),
    ),
  };
}

function checkedEntry(field: string, value: unknown): TuningState['entries'][number] {
  const entry = checkedRecord(field, value);
  return {
    dataType: nameOrNull(`${field}.dataType`, entry.dataType),
    base: checkedNumber(`${field}.base`, entry.base, 1, MAX_BYTES),
    adjustmentFactor: checkedNumber(`${field}.adjustmentFactor`, entry.adjustmentFactor, 1e-15, 1e15),
    smoothed: entry.smoothed === null ? null : checkedNumber(`${field}.smoothed`, entry.smoothed, -40, 40),
    movedAtMs: checkedNumber(`${field}.movedAtMs`, entry.movedAtMs, -MAX_BYTES, MAX_BYTES),
  };
}

function checkedChange(field: string, value: unknown): TuningState['history'][number] {
  const change = checkedRecord(field, value);
  const kind = change.kind;
  if (kind !== 'threshold' && kind !== 'quick_path_minimum') {
    return refuseState(`${field}.kind`, kind, "'threshold' or 'quick_path_minimum'");
  }
  return {
    atMs: checkedNumber(`${field}.atMs`, change.atMs, -MAX_BYTES, MAX_BYTES),
    dataType: nameOrNull(`${field}.dataType`, change.dataType),
    kind,
    from: checkedNumber(`${field}.from`, change.from, 0, MAX_BYTES),
    to: checkedNumber(`${field}.to`, change.to, 0, MAX_BYTES),
    adjustmentFactor: checkedNumber(`${field}.adjustmentFactor`, change.adjustmentFactor, 0, 1e15),
    resourceFactor: checkedNumber(`${field}.resourceFactor`, change.resourceFactor, 0, 1),
    reason: checkedString(`${field}.reason`, change.reason, MAX_TEXT),
    expectedGain: checkedNumber(`${field}.expectedGain`, change.expectedGain, 0, 1),
  };
}

function nameOrNull(field: string, value: unknown): string | null {
  return value === null ? null : checkedString(field, value, MAX_TEXT);
}
