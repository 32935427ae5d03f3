/** What is counted of one variant's transfers. Bounded: sums by cell, and a histogram. */
import type { JsonValue } from '../../../learning/types.ts';
import type { TransferRecord } from '../../record.ts';
import { ClusterMoments } from './cluster-moments.ts';
import { LogHistogram } from './log-histogram.ts';

/** Failed legs whose second leg has not come yet. */
const MOST_OPEN = 512;

export class VariantTally {
  /** Natural log of latency, by log of size. */
  readonly latency: ClusterMoments;
  /** Latency, by size. */
  readonly totalTime: ClusterMoments;
  /** 1 where the lane failed, also where gRPC then carried it. */
  readonly errors: ClusterMoments;
  readonly memory: ClusterMoments;
  readonly latencies: LogHistogram;
  zeroCopy: number;
  bytes: number;
  /** By transfer: how long the leg took that failed. The transfer took as long as both. */
  readonly #open = new Map<string, number>();

  constructor(stored?: JsonValue) {
    const from: { readonly [key: string]: JsonValue | undefined } = isObject(stored) ? stored : {};
    const moments = (key: string): ClusterMoments =>
      stored === undefined ? new ClusterMoments() : ClusterMoments.fromJson(from[key]);
    this.latency = moments('latency');
    this.totalTime = moments('totalTime');
    this.errors = moments('errors');
    this.memory = moments('memory');
    this.latencies = stored === undefined ? new LogHistogram() : LogHistogram.fromJson(from.latencies);
    this.zeroCopy = typeof from.zeroCopy === 'number' ? from.zeroCopy : 0;
    this.bytes = typeof from.bytes === 'number' ? from.bytes : 0;
  }

  observe(record: TransferRecord): void {
    const slot = record.experimentSlot ?? 0;
    const { outcome, dataSize, latencyUs, memoryUsed } = record;
    if (outcome === 'ignored') return;
    // The second leg of a transfer is no transfer of its own.
    if (!record.fallback) {
      this.errors.add(slot, outcome === 'failed' ? 1 : 0, 0);
      if (record.method === 'zero_copy') this.zeroCopy += 1;
    }
    if (outcome === 'failed') {
      if (record.method === 'zero_copy') this.#failed(record.transferId, latencyUs);
      return;
    }
    const tookUs = latencyUs + (record.fallback ? this.#earlier(record.transferId) : 0);
    if (!(tookUs > 0)) return;
    this.latency.add(slot, Math.log(tookUs), Math.log1p(dataSize));
    this.totalTime.add(slot, tookUs, dataSize);
    this.latencies.add(tookUs);
    this.bytes += dataSize;
    if (memoryUsed !== undefined) this.memory.add(slot, memoryUsed, dataSize);
  }

  get transfers(): number {
    return this.errors.count;
  }

  toJson(): JsonValue {
    return {
      latency: this.latency.toJson(),
      totalTime: this.totalTime.toJson(),
      errors: this.errors.toJson(),
      memory: this.memory.toJson(),
      latencies: this.latencies.toJson(),
      zeroCopy: this.zeroCopy,
      bytes: this.bytes,
    };
  }

  #failed(transferId: string, latencyUs: number): void {
    this.#open.set(transferId, latencyUs);
    const oldest = this.#open.size > MOST_OPEN ? this.#open.keys().next().value : undefined;
    if (oldest !== undefined) this.#open.delete(oldest);
  }

  #earlier(transferId: string): number {
    const earlier = this.#open.get(transferId) ?? 0;
    this.#open.delete(transferId);
    return earlier;
  }
}

export function isObject(value: JsonValue | undefined): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
