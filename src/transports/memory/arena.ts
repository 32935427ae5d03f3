/** The host's side of a pool's shared memory: leases over a region, whichever lane it is. */
import { randomBytes } from 'node:crypto';
import { PitwallError } from '../../errors.ts';
import { memoryGone } from '../errors.ts';
import { Allocator, type Slice } from './allocator.ts';
import { FirstPage, type Owner } from './first-page.ts';
import { FIRST_SLICE, HEADER } from './layout.ts';
import { Tenancy } from './lease.ts';
import { MachineRoom } from './machine-room.ts';
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
  readonly #owner: Owner;
  readonly #firstPage: FirstPage;
  readonly #listeners: (() => void)[] = [];
  readonly #tenancies = new Set<Tenancy>();
  /** By where their slices begin. */
  readonly #bySlice = new Map<number, Tenancy>();
  readonly #machine = new MachineRoom();
  #generation = 0;
  #highWater = 0;
  #refused = 0;
  #lost = 0;
  #lostSoughtMs = Number.NEGATIVE_INFINITY;
  #roomMeasuredMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  /** @throws PitwallError `PITWALL_SHM_EXHAUSTED` where there is not even a page */
  constructor(options: RegionArenaOptions) {
    const { id, region } = options;
    this.#options = options;
    this.#region = region;
    this.#owner = { arena: id, key: randomBytes(32) };
    this.lane = region.lane;
    this.descriptor = {
      arena: id,
      lane: region.lane,
      path: region.path,
      bytes: region.bytes,
      key: this.#owner.key.toString('hex'),
    };
    if (!region.commit(0, FIRST_SLICE)) throw new PitwallError('PITWALL_SHM_EXHAUSTED', 'no page is to be had');
    this.#firstPage = new FirstPage(region, this.#owner);
    this.#allocator = new Allocator({
      start: FIRST_SLICE,
      bound: region.bytes,
      commit: (from, to) => to - from <= this.#growth() && region.commit(from, to),
    });
  }

  get memory(): ArrayBufferLike {
    return this.#region.memory.buffer;
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
    return this.#lease(bytes, () => this.#take(bytes + HEADER));
  }

  allocateFresh(bytes: number): Lease | undefined {
    const mayTake = this.#tenancies.size < MAX_LEASES;
    return this.#lease(bytes, () => (mayTake ? this.#allocator.takeFresh(bytes + HEADER) : undefined));
  }

  holding(bytes: Uint8Array): Lease | undefined {
    const { memory } = this.#region;
    if (bytes.buffer !== memory.buffer || bytes.byteLength === 0) return undefined;
    const from = bytes.byteOffset - memory.byteOffset;
    const to = from + bytes.byteLength;
    const tenancy = this.#closed ? undefined : this.#bySlice.get(from - HEADER);
    if (tenancy?.contains(from, to)) return tenancy.lendFirst(bytes);
    for (const other of this.#closed ? [] : this.#tenancies) if (other.contains(from, to)) return undefined;
    throw memoryGone();
  }

  trim(): void {
    if (this.#closed) return;
    const unused = this.#allocator.trim();
    if (unused === undefined) return;
    this.#region.discard(unused.from, unused.to);
    this.#tell();
  }

  #lease(bytes: number, take: () => Slice | undefined): Lease | undefined {
    if (this.#closed || !Number.isSafeInteger(bytes) || bytes < 1) return undefined;
    this.#measureRoom();
    const slice = take();
    if (slice === undefined) {
      this.#refused += 1;
      this.#tell();
      return undefined;
    }
    this.#highWater = Math.max(this.#highWater, this.#allocator.used);
    // In one call it costs a fifth of what the faults of a first write would.
    if (!slice.warm) this.#region.populate(slice.from, slice.to);
    this.#generation += 1;
    const { tenancy, lease } = Tenancy.begin({
      region: this.#region,
      slice,
      length: bytes,
      generation: this.#generation,
      refer: this.#refer,
      onEnd: this.#takeBack,
    });
    this.#tenancies.add(tenancy);
    this.#bySlice.set(slice.from, tenancy);
    this.#tell();
    return lease;
  }

  prefault(maxBytes: number): number {
    if (this.#closed || !(maxBytes > 0)) return 0;
    const cold = this.#allocator.nextCold(Math.ceil(maxBytes));
    if (cold === undefined) return 0;
    this.#region.warm(cold.from, cold.to);
    this.#allocator.markWarm(cold);
    this.#firstPage.advance(this.#allocator.warmUpTo(FIRST_SLICE));
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
      leases: this.#tenancies.size,
      warmBytes: this.warmBytes,
      warmTotalBytes: this.#closed ? 0 : this.#allocator.warmTotal,
      roomBytes: this.roomBytes,
      pressure: this.#allocator.pressure,
      highWaterBytes: this.#highWater,
      refused: this.#refused,
      lost: this.#lost,
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#region.close();
    this.#tell();
  }

  readonly #refer = (slice: Slice, length: number, generation: number): Reference => {
    const unsigned = {
      arena: this.#owner.arena,
      generation,
      offset: slice.from + HEADER,
      length,
      expiresAtMs: Math.ceil(this.#options.nowMs()) + this.#options.referenceTtlMs,
    };
    const signed = { ...unsigned, signature: sign(this.#owner.key, unsigned) };
    return slice.fresh ? { ...signed, fresh: true } : signed;
  };

  readonly #takeBack = (tenancy: Tenancy, used: boolean): void => {
    this.#tenancies.delete(tenancy);
    if (this.#bySlice.get(tenancy.slice.from) === tenancy) this.#bySlice.delete(tenancy.slice.from);
    if (this.#closed) return;
    const { slice } = tenancy;
    this.#allocator.give(slice);
    if (used && !slice.fresh) {
      this.#allocator.markWarm(slice);
      this.#firstPage.advance(this.#allocator.warmUpTo(FIRST_SLICE));
    }
    this.#tell();
  };

  /** Room may be held by leases that nobody can release any more: the collector has had them. */
  #take(bytes: number): Slice | undefined {
    const mayTake = (): boolean => this.#tenancies.size < MAX_LEASES;
    const slice = mayTake() ? this.#allocator.take(bytes) : undefined;
    if (slice !== undefined) return slice;
    return this.#reclaimLost() > 0 && mayTake() ? this.#allocator.take(bytes) : undefined;
  }

  /**
   * A lost lease's slice comes back when no worker can begin to read it any more: its reference, if there is one, has expired.
   * @returns how many came back
   */
  #reclaimLost(): number {
    const nowMs = this.#options.nowMs();
    if (Math.abs(nowMs - this.#lostSoughtMs) < LOST_SOUGHT_EVERY_MS) return 0;
    this.#lostSoughtMs = nowMs;
    let reclaimed = 0;
    for (const tenancy of this.#tenancies) {
      if (tenancy.lostAtMs === undefined && tenancy.lost) {
        tenancy.lostAtMs = nowMs;
        this.#lost += 1;
      }
      if (tenancy.lostAtMs === undefined || nowMs - tenancy.lostAtMs < this.#options.referenceTtlMs) continue;
      tenancy.end();
      reclaimed += 1;
    }
    return reclaimed;
  }

  /** Memory comes and goes with what other processes do: looked at every quarter of a second at most. */
  #measureRoom(): void {
    const nowMs = this.#options.nowMs();
    if (Math.abs(nowMs - this.#roomMeasuredMs) < ROOM_GOOD_FOR_MS) return;
    this.#roomMeasuredMs = nowMs;
    this.#reclaimLost();
    this.#firstPage.write();
    this.#allocator.setGrowth(this.#growth());
  }

  /** Bytes that may still be taken: what the machine and the control groups have left, and what the file system has free. */
  #growth(): number {
    const { bytes, memoryPerByte } = this.#region;
    const enough = bytes * memoryPerByte + RESERVE;
    const available = this.#machine.bytes(this.#options.nowMs(), enough) - RESERVE;
    return Math.max(0, Math.min(available / memoryPerByte, this.#region.free() ?? Number.POSITIVE_INFINITY));
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

const ROOM_GOOD_FOR_MS = 250;
/** Far above what is in flight at a time; holes are searched one by one. */
const MAX_LEASES = 65_536;
const LOST_SOUGHT_EVERY_MS = 2_000;
/** Left to everybody else, bytes. */
const RESERVE = 64 * 2 ** 20;
