/** Opens the store for `metrics_store`, again and again if need be. */

import { statSync } from 'node:fs';
import path from 'node:path';
import type { RuntimeConfig } from '../config/types.ts';
import { MEMORY_LIMIT, type MetricsStore, openStore } from '../metrics/store.ts';

/** Folder of the LMDB environment within the data directory. */
const ENVIRONMENT = 'lmdb';

/**
 * Holds the open environment beside the actor, so that the successor of an actor that was killed (its `terminate` never ran) closes what
 * was left open before it opens it anew.
 */
export class StoreOwner {
  readonly #config: RuntimeConfig;
  readonly #nowUs: () => number;
  #open: MetricsStore | undefined;

  constructor(config: RuntimeConfig, nowUs: () => number) {
    this.#config = config;
    this.#nowUs = nowUs;
  }

  /** Where records go: `memory` means that nothing survives the process, and why. */
  get status(): { readonly kind: 'durable' | 'memory' | 'closed'; readonly reason: string | undefined } {
    if (!this.#open || this.#open.status.closed) return { kind: 'closed', reason: 'the store is not open' };
    const { kind, reason } = this.#open.status;
    // Memory that was asked for is no degradation.
    return { kind, reason: this.#config.dataDir === false ? undefined : reason };
  }

  /** The LMDB environment that other threads may read; undefined where records are only in memory. */
  get environmentPath(): string | undefined {
    const { dataDir } = this.#config;
    return dataDir === false || this.#open?.status.kind !== 'durable' ? undefined : path.join(dataDir, ENVIRONMENT);
  }

  /** Bytes of the environment's file. */
  get fileSize(): number | undefined {
    const folder = this.environmentPath;
    return folder === undefined ? undefined : statSync(path.join(folder, 'data.mdb'), { throwIfNoEntry: false })?.size;
  }

  /** The open store, to read from; undefined where none is. */
  get store(): MetricsStore | undefined {
    return this.#open?.status.closed === false ? this.#open : undefined;
  }

  /** After everything else has stopped; an orderly actor closed its store already, and closing twice is as once. */
  async close(): Promise<void> {
    const left = this.#open;
    this.#open = undefined;
    if (left) await left.close();
  }

  async open(): Promise<MetricsStore> {
    await this.close();
    const { dataDir, metricsSizeLimit } = this.#config;
    this.#open = await openStore({
      dataDir,
      mapSizeLimit: dataDir === false ? Math.min(metricsSizeLimit, MEMORY_LIMIT) : metricsSizeLimit,
      now: this.#nowUs,
      retentionHours: this.#config.metricsRetentionHours,
      onWarning: (message) => this.#config.logger.warn(message),
    });
    return this.#open;
  }
}
