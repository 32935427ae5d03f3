/** Regions that are mapped: an anonymous sealed file, or a file on tmpfs. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import type { Mapping, Native } from './native.ts';
import type { Region } from './region.ts';
import { freeBytes, removeRegionFile } from './region-files.ts';
import { touch } from './touch.ts';

/** No file to leak: it is gone with the last process that has it, however that ends. */
export function memfdRegion(native: Native, bytes: number, name: string): Region {
  const fd = native.memfdCreate(name);
  return closedOnError(fd, () => {
    native.truncate(fd, bytes);
    native.seal(fd);
    const path = `/proc/${process.pid}/fd/${fd}`;
    // As a worker will: there may be no /proc.
    closeSync(openSync(path, 'r+'));
    return new MappedRegion(native, native.map(fd, bytes), { lane: 'memfd', path, fd, name: undefined });
  });
}

/** For systems where an anonymous file cannot be opened by another process. */
export function fileRegion(native: Native, bytes: number, path: string): Region {
  const fd = openSync(path, 'wx+', 0o600);
  return closedOnError(fd, () => {
    native.truncate(fd, bytes);
    return new MappedRegion(native, native.map(fd, bytes), { lane: 'file', path, fd, name: path });
  });
}

/** The worker's side of either. @throws when it is not what it should be */
export function attachMapped(native: Native, lane: 'memfd' | 'file', path: string, bytes: number): Region {
  // Without O_NONBLOCK, a path that names a pipe would wait for its other end.
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new Error('is no file');
    // A mapping beyond the file's end would be SIGBUS at the first look, as would one whose file is cut later.
    if (stat.size < bytes) throw new Error(`has ${stat.size} bytes, not ${bytes}`);
    if (lane === 'memfd' && !native.isSealed(fd)) throw new Error('is not sealed');
    return new MappedRegion(native, native.map(fd, bytes), { lane, path, fd: undefined, name: undefined });
  } finally {
    closeSync(fd);
  }
}

function closedOnError<T>(fd: number, run: () => T): T {
  try {
    return run();
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

interface Backing {
  readonly lane: 'memfd' | 'file';
  readonly path: string;
  /** Kept open by the host: it grows the region, and workers open it. */
  readonly fd: number | undefined;
  /** The name to remove at the end. */
  readonly name: string | undefined;
}

class MappedRegion implements Region {
  readonly lane: 'memfd' | 'file';
  readonly path: string;
  readonly bytes: number;
  readonly memory: Uint8Array;
  readonly memoryPerByte = 1;
  readonly #native: Native;
  readonly #mapping: Mapping;
  readonly #backing: Backing;
  readonly #words: DataView;
  #open = true;

  constructor(native: Native, mapping: Mapping, backing: Backing) {
    this.lane = backing.lane;
    this.path = backing.path;
    this.bytes = mapping.bytes;
    this.memory = new Uint8Array(mapping.buffer);
    this.#native = native;
    this.#mapping = mapping;
    this.#backing = backing;
    this.#words = new DataView(mapping.buffer);
  }

  get open(): boolean {
    return this.#open;
  }

  /** fallocate fails with an error where a store into a page that cannot be had would be SIGBUS. */
  commit(from: number, to: number): boolean {
    const { fd } = this.#backing;
    return this.#open && fd !== undefined && this.#native.allocate(fd, from, to - from);
  }

  discard(from: number, to: number): void {
    const { fd } = this.#backing;
    if (this.#open && fd !== undefined) this.#native.punch(fd, from, to - from);
  }

  free(): number | undefined {
    return this.#backing.name === undefined ? undefined : freeBytes(this.#backing.name);
  }

  populate(from: number, to: number): void {
    if (this.#open) this.#native.populate(this.#mapping, from, to, this.#access);
  }

  warm(from: number, to: number): void {
    this.populate(from, to);
    touch(this.memory, from, to, this.#access);
  }

  push(): void {
    // One memory.
  }

  pull(): void {
    // One memory.
  }

  readNumber(offset: number): number {
    return this.#words.getUint32(offset, true) + this.#words.getUint32(offset + 4, true) * 2 ** 32;
  }

  writeNumber(offset: number, value: number): void {
    this.#words.setUint32(offset, value >>> 0, true);
    this.#words.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#native.detach(this.#mapping);
    if (this.#backing.fd !== undefined) closeSync(this.#backing.fd);
    if (this.#backing.name !== undefined) removeRegionFile(this.#backing.name);
  }

  /** The host writes into what it faults in, which nobody uses yet; a worker only looks. */
  get #access(): 'read' | 'write' {
    return this.#backing.fd === undefined ? 'read' : 'write';
  }
}
