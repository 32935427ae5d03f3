/** The thresholds that a host has learned and stored, as another process sees them. */
import { checkedTuningState } from '../learning/threshold-state.ts';
import type { MetricsStore } from '../metrics/store-types.ts';

export interface StoredThreshold {
  /** Undefined: for types without a threshold of their own. */
  readonly dataType: string | undefined;
  /** Payloads of at least this size go zero-copy where nothing better is known. Before the load of the machine enters. */
  readonly bytes: number;
}

export interface StoredThresholds {
  /** The default first. */
  readonly thresholds: readonly StoredThreshold[];
  /** Smaller payloads go gRPC at once, bytes. */
  readonly quickPathMinimum: number;
}

/** Undefined where nothing was learned yet, or nothing that this version understands. */
export function readStoredThresholds(store: MetricsStore, pool: string): StoredThresholds | undefined {
  try {
    const stored = store.get('thresholds', pool);
    if (typeof stored !== 'object' || stored === null || !('thresholds' in stored)) return undefined;
    const { entries, quickPathMinimum } = checkedTuningState(stored.thresholds);
    // What is learned lies within the host's bounds already.
    const thresholds = entries.map(({ dataType, base, adjustmentFactor }) => ({
      dataType: dataType ?? undefined,
      bytes: Math.round(base * adjustmentFactor),
    }));
    return { thresholds: thresholds.sort((a, b) => rank(a) - rank(b)), quickPathMinimum };
  } catch {
    return undefined;
  }
}

function rank({ dataType }: StoredThreshold): number {
  return dataType === undefined ? 0 : 1;
}
