/** How a kind is watched so that its whole pool has few false alarms, from how often it is transferred. Pure. */

export interface PoolRate {
  /** Transfers of this kind a week. */
  readonly transfersPerWeek: number;
  /** Transfers of all kinds of the pool a week, and how many kinds. */
  readonly poolTransfersPerWeek: number;
  readonly kinds: number;
  /** False alarms a week that the pool may have. Default 0.5. */
  readonly alarmsPerWeek?: number | undefined;
}

export interface WatchOptions {
  readonly runLength: number;
  readonly minTransfers: number;
  readonly learnCount: number;
}

const ALARMS_PER_WEEK = 0.5;
/** A baseline of few transfers knows its own scatter too badly for a shorter run to mean anything. */
const MIN_RUN_LENGTH = 2_000;
/** A rise should last about this share of a week (ten minutes), 8 to 40 transfers: stalls are measured in time, not in transfers. */
const LASTING_WEEKS = 1 / 1_008;
const MIN_TRANSFERS = [8, 40] as const;
/** A week's transfers teach a baseline, 60 to 200 of them. */
const LEARN_COUNT = [60, 200] as const;

/**
 * Half of the allowed alarms go to transfers, each the same chance, so that busy kinds are not burdened with rare ones; half go to kinds, each the same,
 * so that a rare kind need not wait for years of transfers: 1 / L = a / 2R + a / (2 K r) with a alarms and R transfers a week in K kinds, r of this one.
 * Over the pool the rates r / L add up to a.
 */
export function watchOptionsFor(rate: PoolRate): WatchOptions {
  const { transfersPerWeek, poolTransfersPerWeek, kinds, alarmsPerWeek = ALARMS_PER_WEEK } = rate;
  const own = positive(transfersPerWeek);
  const perTransfer = alarmsPerWeek / (2 * Math.max(own, positive(poolTransfersPerWeek)));
  const perKind = alarmsPerWeek / (2 * positive(kinds) * own);
  return {
    runLength: Math.max(MIN_RUN_LENGTH, 1 / Math.max(1e-12, perTransfer + perKind)),
    minTransfers: within(MIN_TRANSFERS, own * LASTING_WEEKS),
    learnCount: within(LEARN_COUNT, own),
  };
}

function positive(value: number): number {
  return Math.max(1, value || 1);
}

function within([least, most]: readonly [number, number], value: number): number {
  return Math.round(Math.max(least, Math.min(most, value)));
}
