/** The host's side of a pool's shared memory: leases over a region, whichever lane it is. */
import { randomBytes } from 'node:crypto';
import { Allocator, type Slice } from './allocator.ts';
import { HEADER, sign } from './reference.ts';
import type { Region } from './region.ts';
import type { Arena, ArenaDescriptor, ArenaStats, Lease, MemoryLane, Reference } from './types.ts';

export interface RegionArenaOptions {
  readonly id: string;
  readonly region: Region;
  readonly nowMs: () => number;
  readonly referenceTtlMs: number;
}

export class RegionArena implements Arena {
  readonly lane: MemoryLane;
  readonly descriptor: ArenaDescriptor;
  readonly #options: RegionArenaOptions;
  readonly #allocator: Allocator;
  readonly #key = randomBytes(32);
  readonly #listeners: (() => void)[] = [];
  #generation = 0;
  #leases = 0;
  #highWater = 0;
  #refused = 0;
  #growthRetryAtMs = 0;
  #closed = false;

  constructor(options: RegionArenaOptions) {
    const { id, region } = options;
    this.#options = options;
    this.lane = region.lane;
    this.descriptor = {
      arena: id,
      lane: region.lane,
      path: region.path,
      bytes: region.bytes,
      key: this.#key.toString('hex'),
    };
    this.#allocator = new Allocator(region.bytes, (from, to) => region.commit(from, to));
  }

  get warmBytes(): number {
    return Math.max(0, this.#allocator.warmBytes - HEADER);
  }

  get roomBytes(): number {
    return this.#closed ? 0 : Math.max(0, this.#allocator.roomBytes - HEADER);
  }

  allocate(bytes: number): Lease | undefined {
    if (this.#closed || !Number.isSafeInteger(bytes) || bytes < 1) return undefined;
    this.#retryGrowth();
    const slice = this.#allocator.take(bytes + HEADER);
    if (slice === undefined) {
      this.#refused += 1;
      this.#tell();
      return undefined;
    }
    this.#generation += 1;
    this.#leases += 1;
    this.#highWater = Math.max(this.#highWater, this.#allocator.used);
    const lease = new RegionLease(slice, this.#reference(slice, bytes), this.#options.region, (released) =>
      this.#release(released),
    );
    this.#tell();
    return lease;
  }

  prefault(maxBytes: number): number {
    if (this.#closed || this.#options.region.mapped === undefined || maxBytes <= 0) return 0;
    const cold = this.#allocator.nextCold(maxBytes);
    if (cold === undefined) return 0;
    this.#options.region.populate(cold.from, cold.to);
    this.#allocator.markWarm(cold);
    this.#tell();
    return cold.to - cold.from;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  stats(): ArenaStats {
    return {
      lane: this.lane,
      boundBytes: this.#options.region.bytes,
      committedBytes: this.#allocator.committed,
      leasedBytes: this.#allocator.used,
      leases: this.#leases,
      warmBytes: this.warmBytes,
      roomBytes: this.roomBytes,
      highWaterBytes: this.#highWater,
      refused: this.#refused,
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.region.close();
    this.#tell();
  }

  #reference(slice: Slice, length: number): Reference {
    const unsigned = {
      arena: this.#options.id,
      generation: this.#generation,
      offset: slice.from + HEADER,
      length,
      expiresAtMs: Math.ceil(this.#options.nowMs()) + this.#options.referenceTtlMs,
    };
    return { ...unsigned, signature: sign(this.#key, unsigned) };
  }

  #release(slice: Slice): void {
    this.#leases -= 1;
    if (this.#closed) return;
    this.#allocator.give(slice);
    this.#allocator.markWarm(slice);
    this.#tell();
  }

  /** Memory that was not to be had may be there again: asked for at most every quarter of a second. */
  #retryGrowth(): void {
    const nowMs = this.#options.nowMs();
    if (nowMs < this.#growthRetryAtMs) return;
    this.#growthRetryAtMs = nowMs + GROWTH_RETRY_MS;
    this.#allocator.retryGrowth();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

const GROWTH_RETRY_MS = 250;

class RegionLease implements Lease {
  readonly buffer: Uint8Array;
  readonly reference: Reference;
  readonly warm: boolean;
  readonly #slice: Slice;
  readonly #region: Region;
  readonly #onRelease: (slice: Slice) => void;
  #released = false;

  constructor(slice: Slice, reference: Reference, region: Region, onRelease: (slice: Slice) => void) {
    const { offset, length } = reference;
    this.reference = reference;
    this.warm = slice.warm;
    this.#slice = slice;
    this.#region = region;
    this.#onRelease = onRelease;
    this.buffer = region.mapped?.subarray(offset, offset + length) ?? Buffer.allocUnsafe(length);
    if (region.mapped !== undefined) this.#writeGeneration(reference.generation);
  }

  commit(): void {
    if (this.#region.mapped !== undefined) return;
    this.#region.write(this.reference.offset, this.buffer);
    this.#writeGeneration(this.reference.generation);
  }

  refresh(): void {
    if (this.#region.mapped === undefined) this.#region.read(this.reference.offset, this.buffer);
  }

  release({ zero = false }: { readonly zero?: boolean } = {}): void {
    if (this.#released) return;
    this.#released = true;
    try {
      // From here on a late reference names a generation that is over.
      this.#writeGeneration(0);
      if (zero) {
        this.buffer.fill(0);
        this.commit();
      }
    } finally {
      this.#onRelease(this.#slice);
    }
  }

  #writeGeneration(generation: number): void {
    const header = Buffer.allocUnsafe(8);
    header.writeBigUInt64LE(BigInt(generation));
    this.#region.write(this.reference.offset - HEADER, header);
  }
}
