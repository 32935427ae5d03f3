/**
 * A region without native code: a file on tmpfs that is read and written, and ordinary memory of the same shape on each side. That memory is
 * kept: fresh buffers cost ten times the copy in page faults.
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { PitwallError } from '../../errors.ts';
import type { Region } from './region.ts';
import { freeBytes, removeRegionFile } from './region-files.ts';
import { touch } from './touch.ts';

/** Larger pieces fall out of the cache between the two copies that they are. */
const PIECE = 256 * 1024;
const ZEROS = Buffer.alloc(PIECE);

export function copyRegion(bytes: number, path: string, role: 'host' | 'worker'): Region {
  const host = role === 'host';
  const fd = host ? openSync(path, 'wx+', 0o600) : openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    if (host) ftruncateSync(fd, bytes);
    else if (!fstatSync(fd).isFile()) throw new Error('is no file');
    return new CopyRegion(new Uint8Array(bytes), path, role, fd);
  } catch (error) {
    closeSync(fd);
    if (host) removeRegionFile(path);
    throw error;
  }
}

class CopyRegion implements Region {
  readonly lane = 'copy';
  readonly path: string;
  readonly bytes: number;
  readonly memory: Uint8Array;
  /** The file's, the host's, and a worker's. */
  readonly memoryPerByte = 3;
  readonly #role: 'host' | 'worker';
  readonly #fd: number;
  readonly #word = Buffer.alloc(8);
  #open = true;

  constructor(memory: Uint8Array, path: string, role: 'host' | 'worker', fd: number) {
    this.bytes = memory.length;
    this.memory = memory;
    this.path = path;
    this.#role = role;
    this.#fd = fd;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Zeros are written, once: what is leased later has its pages, whoever fills the file system meanwhile. */
  commit(from: number, to: number): boolean {
    try {
      for (let at = from; at < to; at += PIECE) this.#write(at, ZEROS, 0, Math.min(PIECE, to - at));
      return true;
    } catch {
      return false;
    }
  }

  /** Node has no call for it. The pages stay; to commit them again writes zeros over them. */
  discard(): void {}

  free(): number | undefined {
    return freeBytes(this.path);
  }

  /** The host is about to write its own memory anyway. A worker's would fault inside the system call, at twice the price. */
  populate(from: number, to: number): void {
    if (this.#role === 'worker') touch(this.memory, from, to, 'write');
  }

  warm(from: number, to: number): void {
    touch(this.memory, from, to, 'write');
  }

  push(from: number, to: number): void {
    for (let at = from; at < to; at += PIECE) this.#write(at, this.memory, at, Math.min(PIECE, to - at));
  }

  pull(from: number, to: number): void {
    for (let at = from; at < to; at += PIECE) this.#read(at, this.memory, at, Math.min(PIECE, to - at));
  }

  readNumber(offset: number): number {
    this.#read(offset, this.#word, 0, 8);
    return Number(this.#word.readBigUInt64LE());
  }

  writeNumber(offset: number, value: number): void {
    this.#word.writeBigUInt64LE(BigInt(value));
    this.#write(offset, this.#word, 0, 8);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#fd);
    if (this.#role === 'host') removeRegionFile(this.path);
  }

  #read(at: number, target: Uint8Array, start: number, length: number): void {
    for (let done = 0; done < length; ) {
      const count = readSync(this.#opened(), target, start + done, length - done, at + done);
      if (count === 0) throw new PitwallError('PITWALL_SHM_REFERENCE', 'shared memory is shorter than its reference');
      done += count;
    }
  }

  #write(at: number, source: Uint8Array, start: number, length: number): void {
    for (let done = 0; done < length; ) {
      done += writeSync(this.#opened(), source, start + done, length - done, at + done);
    }
  }

  /** The number of a closed descriptor may be another file's by now. */
  #opened(): number {
    if (this.#open) return this.#fd;
    throw new PitwallError('PITWALL_SHM_REFERENCE', 'shared memory is closed');
  }
}
