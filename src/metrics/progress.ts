/** How far the upkeep of a pool has come: entries of `meta`, all in seconds. */
import type { KeyValueReader } from './key-value.ts';
import type { StoreKey } from './keys.ts';
import { decodeNumber } from './meta.ts';

/** `sealed`: minutes before it have their cells. `rolled`: hours before it are rolled up. `cells_from`: minutes before it lost theirs. */
export type Milestone = 'sealed' | 'rolled' | 'cells_from' | 'compacted';

export const MILESTONES: readonly Milestone[] = ['sealed', 'rolled', 'cells_from', 'compacted'];

export function milestoneKey(milestone: Milestone, poolKey: string): StoreKey {
  return [milestone, poolKey];
}

export function milestoneOf(reader: KeyValueReader, milestone: Milestone, poolKey: string): number {
  return decodeNumber(reader.get('meta', milestoneKey(milestone, poolKey))) ?? 0;
}
