/** Where the dashboard's figures come from: a runtime in this process, or the data directory of one in another. */
import type { Explanation, HostState, HostStatus, PoolKnowledge, PoolLive, PoolSummary } from './frames.ts';

export interface DashboardSource {
  /** What the page says it shows. */
  readonly title: string;
  /** Whether `apply` can do anything at all. */
  readonly canApply: boolean;
  /** Called before the first read after a time in which nobody looked. */
  wake(): Promise<void>;
  /** Called once nobody looks any more. */
  rest(): Promise<void>;
  /** Called several times a second while somebody looks. Those of `watched` are read in full. */
  read(watched: readonly string[]): Promise<LiveReading>;
  /** Called every few seconds while somebody looks. */
  state(): Promise<HostState>;
  /** The same for a pool that somebody looks at; undefined for one that is unknown. */
  knowledge(pool: string): Promise<PoolKnowledge | undefined>;
  /** Undefined where nothing is known of the transfer (any more). */
  explain(transferId: string): Promise<Explanation | undefined>;
  /** Applies advice. Rejects with a PitwallError that says why it cannot. */
  apply(adviceId: string): Promise<void>;
}

export interface LiveReading {
  readonly status: HostStatus;
  readonly pools: readonly PoolSummary[];
  /** Pools beyond those listed. */
  readonly morePools: number;
  readonly live: ReadonlyMap<string, PoolLive>;
}

/** Pools that the overview lists, in order of name. */
export const MAX_POOLS = 64;
