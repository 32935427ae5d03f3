/** How many transfers of a kind should lie between two false alarms, so that a whole pool has few. Pure. */

export interface PoolRate {
  /** Transfers of this kind a week. */
  readonly transfersPerWeek: number;
  /** Transfers of all kinds of the pool a week, and kinds. */
  readonly poolTransfersPerWeek: number;
  readonly kinds: number;
  /** False alarms a week that the pool may have. Default 0.5. */
  readonly alarmsPerWeek?: number | undefined;
}

/** A baseline of fewer transfers than this knows its own scatter too badly for a shorter run to mean anything. */
const MIN_RUN_LENGTH = 2_000;

/**
 * Half of the allowed alarms go to transfers, each the same chance, so that busy kinds are not burdened with rare ones; half go to kinds, each the same,
 * so that a rare kind need not wait for years of transfers: 1 / L = a / 2R + a / (2 K r) with a alarms and R transfers a week in K kinds, r of this one.
 * Summed over the pool the rates r / L are a.
 */
export function runLengthFor({ transfersPerWeek, poolTransfersPerWeek, kinds, alarmsPerWeek = 0.5 }: PoolRate): number {
  const own = Math.max(1, transfersPerWeek);
  const all = Math.max(own, poolTransfersPerWeek);
  const perTransfer = alarmsPerWeek / (2 * all) + alarmsPerWeek / (2 * Math.max(1, kinds) * own);
  const runLength = 1 / perTransfer;
  return Number.isFinite(runLength) ? Math.max(MIN_RUN_LENGTH, runLength) : MIN_RUN_LENGTH;
}
