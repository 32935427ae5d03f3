/** Regions that are mapped: an anonymous sealed file, or a file on tmpfs. */
import { closeSync, openSync, rmSync } from 'node:fs';
import type { Mapping, Native } from './native.ts';
import type { Region } from './region.ts';

/** No file to leak: it is gone with the last process that has it, however that ends. */
export function memfdRegion(native: Native, bytes: number, name: string): Region {
  const fd = native.memfdCreate(name);
  return attempt(fd, () => {
    native.truncate(fd, bytes);
    native.seal(fd);
    const path = `/proc/${process.pid}/fd/${fd}`;
    return new MappedRegion('memfd', path, native, fd, native.map(fd, bytes), undefined);
  });
}

/** For systems where an anonymous file cannot be opened by another process. */
export function fileRegion(native: Native, bytes: number, path: string): Region {
  const fd = openSync(path, 'wx+', 0o600);
  return attempt(fd, () => {
    native.truncate(fd, bytes);
    return new MappedRegion('file', path, native, fd, native.map(fd, bytes), path);
  });
}

function attempt<T>(fd: number, run: () => T): T {
  try {
    return run();
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

class MappedRegion implements Region {
  readonly lane: 'memfd' | 'file';
  readonly path: string;
  readonly bytes: number;
  readonly mapped: Uint8Array;
  readonly #native: Native;
  readonly #fd: number;
  readonly #mapping: Mapping;
  readonly #name: string | undefined;
  #open = true;

  constructor(
    lane: 'memfd' | 'file',
    path: string,
    native: Native,
    fd: number,
    mapping: Mapping,
    name: string | undefined,
  ) {
    this.lane = lane;
    this.path = path;
    this.bytes = mapping.bytes;
    this.mapped = new Uint8Array(mapping.buffer);
    this.#native = native;
    this.#fd = fd;
    this.#mapping = mapping;
    this.#name = name;
  }

  /** fallocate fails with an error where a store into a page that cannot be had would be SIGBUS. */
  commit(from: number, to: number): boolean {
    return this.#open && this.#native.allocate(this.#fd, from, to - from);
  }

  populate(from: number, to: number): void {
    const start = from - (from % PAGE);
    this.#native.populate(this.#mapping, start, to - start);
  }

  read(offset: number, target: Uint8Array): void {
    target.set(this.mapped.subarray(offset, offset + target.length));
  }

  write(offset: number, source: Uint8Array): void {
    this.mapped.set(source, offset);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#native.punch(this.#fd, 0, this.bytes);
    closeSync(this.#fd);
    if (this.#name !== undefined) rmSync(this.#name, { force: true });
  }
}

const PAGE = 4096;
