/**
 * Which pool a request belongs to. A pool that nobody configured starts with the defaults on its first request, up to `maxPools`; beyond
 * that, requests are served under one overflow pool, so that hostile names cost nothing.
 */
import type { PoolConfig } from '../config/types.ts';
import type { PoolSlot, SnapshotBoard } from '../snapshots.ts';
import { PoolCounters, type RefusalCounters } from './counters.ts';

/** The pool of requests whose own pool was refused. */
export const OVERFLOW_POOL = '(overflow)';

/** A pool as the hot path knows it: what was published, and what is counted. */
export interface AdmittedPool {
  readonly slot: PoolSlot;
  readonly counters: PoolCounters;
}

export interface AdmissionOptions {
  readonly board: SnapshotBoard;
  readonly refusals: RefusalCounters;
  /** Pools that requests may create beside the configured ones. */
  readonly maxPools: number;
  readonly defaultsFor: (name: string) => PoolConfig;
  readonly newSlot: (config: PoolConfig) => PoolSlot;
  /** Told of every pool that a request created, once, from inside the decision. */
  readonly onCreated: (pool: string) => void;
}

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #pools = new Map<string, AdmittedPool>();
  #created = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** A configured pool: always admitted. */
  configure(config: PoolConfig): AdmittedPool {
    const slot = this.#options.newSlot(config);
    this.#options.board.add(slot);
    const admitted = { slot, counters: new PoolCounters() };
    this.#pools.set(config.name, admitted);
    return admitted;
  }

  find(pool: string): AdmittedPool | undefined {
    return this.#pools.get(pool);
  }

  /** The pool for a request, created if it is new and there is room. */
  admit(pool: string): AdmittedPool {
    return this.#pools.get(pool) ?? this.#create(pool);
  }

  pools(): IterableIterator<AdmittedPool> {
    return this.#pools.values();
  }

  #create(pool: string): AdmittedPool {
    const room = this.#created < this.#options.maxPools;
    if (!room) {
      this.#options.refusals.refusedPools += 1;
      const overflow = this.#pools.get(OVERFLOW_POOL);
      if (overflow) return overflow;
    }
    const name = room ? pool : OVERFLOW_POOL;
    this.#created += 1;
    const admitted = this.configure(this.#options.defaultsFor(name));
    this.#options.onCreated(name);
    return admitted;
  }
}
