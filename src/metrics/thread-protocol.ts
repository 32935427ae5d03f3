/** What the store and its thread say to each other. Types only. */
import type { EncodedBlock } from './block-codec.ts';
import type { NamedEntry } from './engine.ts';
import type { RetainResult } from './store-types.ts';
import type { UpkeepOptions } from './upkeep.ts';

export interface StoreThreadData {
  readonly path: string;
  readonly mapSizeLimit: number | undefined;
  /** Random 32 bits, different from every other writer's. */
  readonly writer: number;
  /** See exit-gate.ts. */
  readonly gate: SharedArrayBuffer;
}

export type StoreThreadRequest =
  | { readonly type: 'append'; readonly id: number; readonly blocks: readonly EncodedBlock[] }
  | { readonly type: 'put_entries'; readonly id: number; readonly entries: readonly NamedEntry[] }
  | { readonly type: 'upkeep'; readonly id: number; readonly options: UpkeepOptions }
  | { readonly type: 'close'; readonly id: number };

export type StoreThreadReply =
  | { readonly type: 'done'; readonly id: number; readonly result: RetainResult | undefined }
  | { readonly type: 'failed'; readonly id: number; readonly code: string; readonly message: string };
