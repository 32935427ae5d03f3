/** Who holds a slice. */
import { PitwallError } from '../../errors.ts';
import type { Slice } from './allocator.ts';
import { HEADER, NOT_IN_USE } from './layout.ts';
import type { Region } from './region.ts';
import type { Lease, Reference } from './types.ts';

export interface TenancyParts {
  readonly region: Region;
  readonly slice: Slice;
  readonly length: number;
  readonly generation: number;
  readonly refer: (slice: Slice, length: number, generation: number) => Reference;
  /** Called once, when nobody holds it any more. `used`: it was written or read. */
  readonly onEnd: (tenancy: Tenancy, used: boolean) => void;
}

/** One slice in use: by one lease, or by several that share it. The arena knows it, but keeps none of its leases alive. */
export class Tenancy {
  readonly slice: Slice;
  /** When its leases were found to be lost, milliseconds. */
  lostAtMs: number | undefined;
  readonly #parts: TenancyParts;
  /** Each lease holds on to this buffer: as long as it can be reached, so can a lease, or somebody uses the bytes without one. */
  readonly #buffer: WeakRef<Uint8Array>;
  #reference: Reference | undefined;
  #holders = 0;
  #used = false;
  #zero = false;
  #over = false;

  private constructor(parts: TenancyParts, buffer: Uint8Array) {
    this.#parts = parts;
    this.slice = parts.slice;
    this.#buffer = new WeakRef(buffer);
    parts.region.writeNumber(parts.slice.from, parts.generation);
  }

  static begin(parts: TenancyParts): { tenancy: Tenancy; lease: Lease } {
    const from = parts.slice.from + HEADER;
    const buffer = parts.region.memory.subarray(from, from + parts.length);
    const tenancy = new Tenancy(parts, buffer);
    return { tenancy, lease: tenancy.lend(buffer) };
  }

  /** Whether nobody can release it any more. */
  get lost(): boolean {
    return this.#buffer.deref() === undefined;
  }

  /** Signed when first asked for: it expires that much later, and what is never sent costs no signature. */
  get reference(): Reference {
    const { slice, length, generation, refer } = this.#parts;
    this.#reference ??= refer(slice, length, generation);
    return this.#reference;
  }

  lend(buffer: Uint8Array, reference?: Reference): Lease {
    this.#holders += 1;
    return new RegionLease(this, buffer, reference);
  }

  /** A holder of the first bytes alone. Its reference is its own, and as fresh as the lease. */
  lendFirst(bytes: Uint8Array): Lease {
    const { slice, generation, refer } = this.#parts;
    return this.lend(bytes, refer(slice, bytes.byteLength, generation));
  }

  /** Whether its memory is still the region's. */
  get intact(): boolean {
    return this.#parts.region.open;
  }

  /** Whether bytes from `from` to `to` of the region lie in it. */
  contains(from: number, to: number): boolean {
    const [start, end] = this.#range();
    return from >= start && to <= end;
  }

  push(): void {
    this.#parts.region.push(...this.#range());
    this.#used = true;
  }

  pull(): void {
    this.#parts.region.pull(...this.#range());
    this.#used = true;
  }

  leave(zero: boolean): void {
    this.#holders -= 1;
    this.#zero ||= zero;
    if (this.#holders === 0) this.end();
  }

  /** Ends it, whoever holds it. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    const { region, slice, onEnd } = this.#parts;
    try {
      if (!region.open) return;
      // From here on a late reference names a generation that is over.
      region.writeNumber(slice.from, NOT_IN_USE);
      if (!this.#zero) return;
      const [from, to] = this.#range();
      region.memory.fill(0, from, to);
      region.push(from, to);
    } finally {
      onEnd(this, this.#used);
    }
  }

  #range(): [from: number, to: number] {
    const from = this.slice.from + HEADER;
    return [from, from + this.#parts.length];
  }
}

class RegionLease implements Lease {
  readonly buffer: Uint8Array;
  readonly #tenancy: Tenancy;
  readonly #reference: Reference | undefined;
  #released = false;

  constructor(tenancy: Tenancy, buffer: Uint8Array, reference?: Reference) {
    this.#tenancy = tenancy;
    this.buffer = buffer;
    this.#reference = reference;
  }

  get intact(): boolean {
    return this.#tenancy.intact;
  }

  get warm(): boolean {
    return this.#tenancy.slice.warm;
  }

  get reference(): Reference {
    return this.#reference ?? this.#tenancy.reference;
  }

  commit(): void {
    if (!this.#released) this.#tenancy.push();
  }

  refresh(): void {
    if (!this.#released) this.#tenancy.pull();
  }

  share(): Lease {
    if (this.#released) throw new PitwallError('PITWALL_SHM_RELEASED', 'a lease that was released cannot be shared');
    return this.#tenancy.lend(this.buffer, this.#reference);
  }

  release({ zero = false }: { readonly zero?: boolean } = {}): void {
    if (this.#released) return;
    this.#released = true;
    this.#tenancy.leave(zero);
  }
}
