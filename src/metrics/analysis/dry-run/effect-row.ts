/** What one recorded transfer says about the difference between two policies. */
import type { Decision } from '../../../decision/decision.ts';
import type { Method, PoolSnapshot } from '../../../decision/types.ts';
import type { TransferRecord } from '../../record.ts';
import type { LoggedChoice } from '../experiment/off-policy.ts';
import { expectedLatencies, probabilityOf } from './replay.ts';

/** A successful transfer of which the two policies think differently, or alike: both are needed for the mean. */
export interface EffectRow {
  readonly log: LoggedChoice;
  readonly total: LoggedChoice;
  /** The value of the policy in force, microseconds, by its estimates and what was measured. */
  readonly currentUs: number;
  readonly changes: boolean;
  /** The lane was drawn: both could have been taken. */
  readonly drawn: boolean;
  readonly modelled: boolean;
}

/** undefined for a transfer that says nothing about what lanes cost. */
export function effectRow(
  record: TransferRecord,
  now: Decision,
  then: Decision,
  pool: PoolSnapshot,
): EffectRow | undefined {
  const { latencyUs, propensity, method } = record;
  // What was built in place was not copied: its time says nothing about transfers that are.
  if (record.outcome !== 'success' || record.reason === 'in_place' || !(latencyUs > 0) || !(propensity > 0))
    return undefined;
  const [before, after] = [probabilityOf(method, now), probabilityOf(method, then)];
  const expected = expectedLatencies(now, pool);
  const other: Method = method === 'grpc' ? 'zero_copy' : 'grpc';
  const choice = (cost: number, of: ((method: Method) => number) | undefined): LoggedChoice => ({
    cost,
    propensity,
    targetProbability: after - before,
    estimatedCost: of?.(method),
    estimatedTargetCost: of && (after - before) * (of(method) - of(other)),
  });
  const log = choice(Math.log(latencyUs), expected && ((lane) => Math.log(expected[lane].medianUs)));
  const mean = (lane: Method): number => expected?.[lane].meanUs ?? latencyUs;
  const weighted = (before / propensity) * (latencyUs - mean(method));
  return {
    log,
    total: choice(latencyUs, expected && mean),
    currentUs: before * mean(method) + (1 - before) * mean(other) + weighted,
    changes: Math.abs(after - before) > 1e-12,
    drawn: propensity < 1,
    modelled: expected !== undefined,
  };
}

/** The row's part of the difference in the mean. `standIn`: for the cost of a lane of which nothing is expected. */
export function differenceOf(choice: LoggedChoice, standIn: number): number {
  const { cost, propensity, targetProbability, estimatedCost = standIn, estimatedTargetCost = 0 } = choice;
  return estimatedTargetCost + (targetProbability / propensity) * (cost - estimatedCost);
}
