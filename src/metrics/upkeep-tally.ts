/** What upkeep has done, counted where it is done, and taken by the step. */
import type { RetainResult } from './store-types.ts';

export class UpkeepTally {
  removedBlocks = 0;
  removedAggregates = 0;
  sealedMinutes = 0;
  rolledUpHours = 0;
  compactedBlocks = 0;
  /** Set by who left something over on purpose: another round is due at once. */
  again = false;
  /** Entries removed since the store was opened. */
  removed = 0;

  take(more: boolean, failure?: string): RetainResult {
    const { removedBlocks, removedAggregates, sealedMinutes, rolledUpHours, compactedBlocks } = this;
    this.removedBlocks = 0;
    this.removedAggregates = 0;
    this.sealedMinutes = 0;
    this.rolledUpHours = 0;
    this.compactedBlocks = 0;
    return { removedBlocks, removedAggregates, sealedMinutes, rolledUpHours, compactedBlocks, more, failure };
  }
}
