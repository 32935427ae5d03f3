/**
 * The persistent form of a cost model, and the check on what is read back: shape, version, finite and sane numbers. A state may come from a
 * damaged disk or another version; a bad one is refused with its reason, and the pool starts from the prior.
 */

import { type Kind, MAX_NAME_LENGTH } from './kind-table.ts';
import type { PageHinkleyState } from './page-hinkley.ts';
import {
  checkedList,
  checkedNumber,
  checkedNumbers,
  checkedRecord,
  checkedString,
  refuseState,
} from './state-check.ts';

export const STATE_VERSION = 1;

export interface CostModelState {
  readonly learned: number;
  readonly meanLatencyUs: number;
  readonly explorationSpent: number;
  readonly refusedRecords: number;
  readonly refusedKinds: number;
  readonly changes: number;
  readonly theta: readonly number[];
  /** Lower triangle, row by row. */
  readonly covariance: readonly number[];
  readonly kinds: readonly Kind[];
  readonly grpc: StoredLane;
  readonly zeroCopy: StoredLane;
}

export interface StoredLane {
  readonly change: PageHinkleyState;
  readonly residuals: readonly number[];
  /** Absent in states of pitwall before it was kept. */
  readonly missRate?: number;
  readonly noise: number;
  readonly records: number;
}

export interface StateBounds {
  readonly maxKinds: number;
  /** How many parameters a model with so many slots (the shared one not counted) has before the next slot. */
  readonly parameters: (slots: number) => number;
}

const MAX_THETA = 100;
const MAX_VARIANCE = 1e4;
const MAX_RESIDUAL = 50;
const MAX_RESIDUALS = 10_000;
const MAX_COUNT = Number.MAX_SAFE_INTEGER;

/** @throws PitwallError `PITWALL_INVALID_STATE` */
export function checkedState(state: unknown, bounds: StateBounds): CostModelState {
  const root = checkedRecord('state', state);
  if (root.version !== STATE_VERSION) refuseState('version', root.version, String(STATE_VERSION));
  const kinds = checkedList('kinds', root.kinds, 0, bounds.maxKinds).map((kind, position) =>
    storedKind(position, kind),
  );
  const slots = new Set(kinds.map((kind) => kind.slot));
  for (let slot = 1; slot <= kinds.length; slot += 1) {
    if (!slots.has(slot)) refuseState('kinds', slot, 'each slot from 1 on exactly once');
  }
  const size = bounds.parameters(kinds.length + 1);
  const theta = checkedNumbers('theta', root.theta, [size, size], [-MAX_THETA, MAX_THETA]);
  const cells = (size * (size + 1)) / 2;
  const covariance = checkedNumbers('covariance', root.covariance, [cells, cells], [-MAX_VARIANCE, MAX_VARIANCE]);
  checkCovariance(covariance, size);
  return {
    learned: checkedNumber('learned', root.learned, 0, MAX_COUNT),
    meanLatencyUs: checkedNumber('meanLatencyUs', root.meanLatencyUs, 0, 1e12),
    explorationSpent: checkedNumber('explorationSpent', root.explorationSpent, 0, 1e12),
    refusedRecords: checkedNumber('refusedRecords', root.refusedRecords, 0, MAX_COUNT),
    refusedKinds: checkedNumber('refusedKinds', root.refusedKinds, 0, MAX_COUNT),
    changes: checkedNumber('changes', root.changes, 0, MAX_COUNT),
    theta,
    covariance,
    kinds,
    grpc: storedLane('grpc', root.grpc),
    zeroCopy: storedLane('zeroCopy', root.zeroCopy),
  };
}

function checkCovariance(covariance: readonly number[], size: number): void {
  const diagonal = (index: number): number => covariance[(index * (index + 3)) / 2] ?? 0;
  for (let row = 0; row < size; row += 1) {
    if (!(diagonal(row) > 0)) refuseState(`covariance of parameter ${row}`, diagonal(row), 'a variance > 0');
    for (let column = 0; column < row; column += 1) {
      const value = covariance[(row * (row + 1)) / 2 + column] ?? 0;
      if (value * value > diagonal(row) * diagonal(column) * (1 + 1e-6)) {
        refuseState(`covariance of parameters ${row} and ${column}`, value, 'at most the product of their deviations');
      }
    }
  }
}

function storedKind(position: number, value: unknown): Kind {
  const field = `kinds[${position}]`;
  const kind = checkedRecord(field, value);
  return {
    slot: checkedNumber(`${field}.slot`, kind.slot, 1, 1000),
    dataType: checkedString(`${field}.dataType`, kind.dataType, MAX_NAME_LENGTH),
    format: checkedString(`${field}.format`, kind.format, MAX_NAME_LENGTH),
    grpc: checkedNumber(`${field}.grpc`, kind.grpc, 0, MAX_COUNT),
    zeroCopy: checkedNumber(`${field}.zeroCopy`, kind.zeroCopy, 0, MAX_COUNT),
    atRecord: checkedNumber(`${field}.atRecord`, kind.atRecord, 0, MAX_COUNT),
  };
}

function storedLane(field: string, value: unknown): StoredLane {
  const lane = checkedRecord(field, value);
  return {
    residuals: checkedNumbers(`${field}.residuals`, lane.residuals, [0, MAX_RESIDUALS], [-MAX_RESIDUAL, MAX_RESIDUAL]),
    ...(lane.missRate !== undefined && { missRate: checkedNumber(`${field}.missRate`, lane.missRate, 0, 1) }),
    change: storedChange(`${field}.change`, lane.change),
    noise: checkedNumber(`${field}.noise`, lane.noise, 1e-6, 100),
    records: checkedNumber(`${field}.records`, lane.records, 0, MAX_COUNT),
  };
}

function storedChange(field: string, value: unknown): PageHinkleyState {
  const [count = 0, mean = 0, squares = 0, rising = 0, falling = 0] = checkedNumbers(
    field,
    value,
    [5, 5],
    [-1e15, 1e15],
  );
  return [count, mean, squares, rising, falling];
}
