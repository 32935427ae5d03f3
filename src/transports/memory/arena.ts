/** The host's side of a pool's shared memory: leases over a region, whichever lane it is. */
import { randomBytes } from 'node:crypto';
import { freemem } from 'node:os';
import { PitwallError } from '../../errors.ts';
import { Allocator, type Slice } from './allocator.ts';
import { FIRST_SLICE, HEADER, HOST_MARK, NOT_IN_USE } from './layout.ts';
import { sign } from './reference.ts';
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
  readonly #region: Region;
  readonly #allocator: Allocator;
  readonly #key = randomBytes(32);
  readonly #listeners: (() => void)[] = [];
  #generation = 0;
  #leases = 0;
  #highWater = 0;
  #refused = 0;
  #roomMeasuredMs = Number.NEGATIVE_INFINITY;
  #mark = 0;
  #closed = false;

  /** @throws PitwallError `PITWALL_SHM_EXHAUSTED` where there is not even a page */
  constructor(options: RegionArenaOptions) {
    const { id, region } = options;
    this.#options = options;
    this.#region = region;
    this.lane = region.lane;
    this.descriptor = {
      arena: id,
      lane: region.lane,
      path: region.path,
      bytes: region.bytes,
      key: this.#key.toString('hex'),
    };
    if (!region.commit(0, FIRST_SLICE)) throw new PitwallError('PITWALL_SHM_EXHAUSTED', 'no page is to be had');
    this.#allocator = new Allocator({
      start: FIRST_SLICE,
      bound: region.bytes,
      commit: (from, to) => to - from <= this.#growth() && region.commit(from, to),
    });
  }

  get warmBytes(): number {
    return this.#closed ? 0 : Math.max(0, this.#allocator.warmBytes - HEADER);
  }

  get roomBytes(): number {
    if (this.#closed) return 0;
    this.#measureRoom();
    return Math.max(0, this.#allocator.roomBytes - HEADER);
  }

  allocate(bytes: number): Lease | undefined {
    if (this.#closed || !Number.isSafeInteger(bytes) || bytes < 1) return undefined;
    this.#measureRoom();
    const slice = this.#allocator.take(bytes + HEADER);
    if (slice === undefined) {
      this.#refused += 1;
      this.#tell();
      return undefined;
    }
    this.#generation += 1;
    const generation = this.#generation;
    this.#leases += 1;
    this.#highWater = Math.max(this.#highWater, this.#allocator.used);
    // In one call it costs a fifth of what the faults of a first write would.
    if (!slice.warm) this.#region.populate(slice.from, slice.to);
    const lease = new RegionLease({
      region: this.#region,
      slice,
      length: bytes,
      generation,
      refer: () => this.#refer(slice, bytes, generation),
      onRelease: (used) => this.#release(slice, used),
    });
    this.#tell();
    return lease;
  }

  prefault(maxBytes: number): number {
    if (this.#closed || !(maxBytes > 0)) return 0;
    const cold = this.#allocator.nextCold(Math.ceil(maxBytes));
    if (cold === undefined) return 0;
    this.#region.warm(cold.from, cold.to);
    this.#allocator.markWarm(cold);
    this.#publishMark();
    this.#tell();
    return cold.to - cold.from;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  stats(): ArenaStats {
    return {
      lane: this.lane,
      boundBytes: this.#region.bytes,
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
    this.#region.close();
    this.#tell();
  }

  #refer(slice: Slice, length: number, generation: number): Reference {
    const unsigned = {
      arena: this.#options.id,
      generation,
      offset: slice.from + HEADER,
      length,
      expiresAtMs: Math.ceil(this.#options.nowMs()) + this.#options.referenceTtlMs,
    };
    return { ...unsigned, signature: sign(this.#key, unsigned) };
  }

  #release(slice: Slice, used: boolean): void {
    this.#leases -= 1;
    if (this.#closed) return;
    this.#allocator.give(slice);
    if (used) {
      this.#allocator.markWarm(slice);
      this.#publishMark();
    }
    this.#tell();
  }

  /** Tells workers how far they may fault pages in ahead of use, too. */
  #publishMark(): void {
    const mark = this.#allocator.warmUpTo(FIRST_SLICE);
    if (mark === this.#mark) return;
    this.#mark = mark;
    this.#region.writeNumber(HOST_MARK, mark);
  }

  /** Memory comes and goes with what other processes do: looked at every quarter of a second at most. */
  #measureRoom(): void {
    const nowMs = this.#options.nowMs();
    if (Math.abs(nowMs - this.#roomMeasuredMs) < ROOM_GOOD_FOR_MS) return;
    this.#roomMeasuredMs = nowMs;
    this.#allocator.setGrowth(this.#growth());
  }

  /**
   * Bytes that may still be taken: what the file system has free, what the machine has, what this process's control group allows. Above the
   * last two, allocating a page does not fail: it kills.
   */
  #growth(): number {
    const available = Math.min(process.availableMemory(), freemem()) - RESERVE;
    return Math.max(0, Math.min(available, this.#region.free() ?? Number.POSITIVE_INFINITY));
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

const ROOM_GOOD_FOR_MS = 250;
/** Left to everybody else, bytes. */
const RESERVE = 64 * 2 ** 20;

interface LeaseParts {
  readonly region: Region;
  readonly slice: Slice;
  readonly length: number;
  readonly generation: number;
  readonly refer: () => Reference;
  readonly onRelease: (used: boolean) => void;
}

class RegionLease implements Lease {
  readonly buffer: Uint8Array;
  readonly warm: boolean;
  readonly #parts: LeaseParts;
  readonly #from: number;
  readonly #to: number;
  #reference: Reference | undefined;
  #used = false;
  #released = false;

  constructor(parts: LeaseParts) {
    const { region, slice, length, generation } = parts;
    this.#parts = parts;
    this.#from = slice.from + HEADER;
    this.#to = this.#from + length;
    this.warm = slice.warm;
    this.buffer = region.memory.subarray(this.#from, this.#to);
    region.writeNumber(slice.from, generation);
  }

  /** Signed when first asked for: it expires that much later, and a lease that is never sent costs no signature. */
  get reference(): Reference {
    this.#reference ??= this.#parts.refer();
    return this.#reference;
  }

  commit(): void {
    if (this.#released) return;
    this.#parts.region.push(this.#from, this.#to);
    this.#used = true;
  }

  refresh(): void {
    if (this.#released) return;
    this.#parts.region.pull(this.#from, this.#to);
    this.#used = true;
  }

  release({ zero = false }: { readonly zero?: boolean } = {}): void {
    if (this.#released) return;
    this.#released = true;
    const { region, slice, onRelease } = this.#parts;
    if (!region.open) return;
    try {
      // From here on a late reference names a generation that is over.
      region.writeNumber(slice.from, NOT_IN_USE);
      if (!zero) return;
      this.buffer.fill(0);
      region.push(this.#from, this.#to);
    } finally {
      onRelease(this.#used);
    }
  }
}
