/** Shared memory as its users see it. Types only. */

/** How a region is shared: an anonymous sealed file, a named file on tmpfs, or without native code by reading and writing such a file. */
export type MemoryLane = 'memfd' | 'file' | 'copy';

/** What the host sends instead of bytes: where they lie. Plain and serializable; checked before anything is read. */
export interface Reference {
  readonly arena: string;
  /** Counts the uses of the slice: a stale reference names an older one. */
  readonly generation: number;
  readonly offset: number;
  readonly length: number;
  /** Milliseconds since the epoch after which a worker refuses it. */
  readonly expiresAtMs: number;
  /** HMAC over the fields above with the arena's key, hexadecimal. */
  readonly signature: string;
  /** The slice's pages are new ones: what the worker knows of their addresses is of pages that are gone. A hint, not signed. */
  readonly fresh?: boolean;
}

/** What a worker needs to attach: plain and serializable. Whoever has it can read the arena: it travels over private channels only. */
export interface ArenaDescriptor {
  readonly arena: string;
  readonly lane: MemoryLane;
  /** `/proc/<pid>/fd/<n>` or the file's path. */
  readonly path: string;
  /** Bound of the region, bytes; pages are made usable step by step within it. */
  readonly bytes: number;
  /** Key of the references' signatures, hexadecimal. */
  readonly key: string;
}

/** A slice that belongs to one transfer until it is released. */
export interface Lease {
  /** The slice itself, or (lane `copy`) ordinary memory that `commit` writes out. Not to be touched after `release`. */
  readonly buffer: Uint8Array;
  readonly reference: Reference;
  /** False once its region was closed under it: what lay there is gone, `buffer` reads as zeros. */
  readonly intact: boolean;
  /** Whether its pages were mapped and faulted in on both sides before. */
  readonly warm: boolean;
  /** Makes what was written visible to workers. Nothing to do for mapped lanes. */
  commit(): void;
  /** Makes what a worker wrote visible here. Nothing to do for mapped lanes. */
  refresh(): void;
  /**
   * Another holder of the same slice, such as a second worker that gets the same payload: it is given back when each holder has released.
   * @throws PitwallError `PITWALL_SHM_RELEASED` after `release`
   */
  share(): Lease;
  /** Gives the slice back; twice is as once. `zero` overwrites it first. */
  release(options?: { readonly zero?: boolean }): void;
}

export interface ArenaStats {
  readonly lane: MemoryLane;
  readonly boundBytes: number;
  /** Bytes that pages were made usable for. */
  readonly committedBytes: number;
  readonly leasedBytes: number;
  /** Slices that are lent now. */
  readonly leases: number;
  /** Largest free slice that is warm. */
  readonly warmBytes: number;
  /** All bytes that are faulted in, lent or free. */
  readonly warmTotalBytes: number;
  readonly roomBytes: number;
  /** Share of what could be lent now that is lent, 0..1. */
  readonly pressure: number;
  /** Most bytes ever leased at a time. */
  readonly highWaterBytes: number;
  /** Requests that found no room. */
  readonly refused: number;
  /** Leases that nobody released and nobody can any more; their slices come back once their references have expired. */
  readonly lost: number;
}

/** A pool's shared memory, host side. */
export interface Arena {
  readonly lane: MemoryLane;
  /** What every lease's buffer is a view of. */
  readonly memory: ArrayBufferLike;
  readonly descriptor: ArenaDescriptor;
  /** Largest free contiguous slice whose pages are faulted in on both sides, bytes. */
  readonly warmBytes: number;
  /** Largest slice that can be had now, warm or cold, bytes. */
  readonly roomBytes: number;
  /** A slice of at least one byte; undefined when there is no room (or 65 536 slices are lent): at once, never an error. */
  allocate(bytes: number): Lease | undefined;
  /**
   * For measurements of cold memory: a slice of pages that are made and faulted in for it, on both sides. Its pages are kept, cold, until `trim`.
   */
  allocateFresh(bytes: number): Lease | undefined;
  /**
   * Another holder of the slice that `bytes` was built in, for as many bytes as there are: they must begin where a lease's buffer begins.
   * undefined for bytes that lie elsewhere, or within a slice but not at its beginning.
   * @throws PitwallError `PITWALL_SHM_RELEASED` where they lie in memory of this arena that nobody holds any more
   */
  holding(bytes: Uint8Array): Lease | undefined;
  /** Gives the pages of fresh slices that were released back to the system. */
  trim(): void;
  /** Faults in up to so many bytes that are not in use; returns how many it did. For idle time. */
  prefault(maxBytes: number): number;
  /** Called whenever warm or free bytes may have changed. */
  onChange(listener: () => void): void;
  stats(): ArenaStats;
  /** Gives everything back. Leases must not be used any more. Twice is as once. */
  close(): void;
}

/** A pool's shared memory, worker side. */
export interface AttachedArena {
  /**
   * The bytes that a reference names, writable. For lane `copy` a copy of them.
   * @throws PitwallError `PITWALL_SHM_REFERENCE` for a reference that is stale, forged, expired or out of range
   */
  view(reference: Reference): Uint8Array;
  /** Writes what was changed in `view` back (lane `copy`). Nothing to do for mapped lanes. */
  commit(reference: Reference, bytes: Uint8Array): void;
  close(): void;
}

export interface OpenArenaOptions {
  /** Bound of the region, bytes. */
  readonly bytes: number;
  /** Default `auto`: the first that works of memfd, file, copy. */
  readonly lane?: MemoryLane | 'auto';
  /** Directory on tmpfs for the lanes that need a name. Default `/dev/shm`. */
  readonly shmDir?: string;
  readonly nowMs: () => number;
  /** Milliseconds that a reference is good for, from when it is first asked for. Default 600 000. */
  readonly referenceTtlMs?: number;
}

// open-arena.ts: openArena(options: OpenArenaOptions): Promise<Arena>, rejects with PITWALL_SHM_UNAVAILABLE and the reason of each lane.
// attach-arena.ts: attachArena(descriptor: ArenaDescriptor, nowMs: () => number): Promise<AttachedArena>.
