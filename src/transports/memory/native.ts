/**
 * The few functions of Linux that Node does not have, through koffi. Loaded when shared memory is first used. Every call is made on the main
 * thread; each returns what the system said, and errors as their name.
 */
import { constants } from 'node:os';

export interface Native {
  /** Anonymous file that can be sealed; throws with the system's error name. */
  memfdCreate(name: string): number;
  truncate(fd: number, bytes: number): void;
  /** Forbids any change of size, for good: nobody can cut the file below the mappings (which would be SIGBUS). */
  seal(fd: number): void;
  /** Allocates pages; false when there are none to be had. */
  allocate(fd: number, offset: number, bytes: number): boolean;
  /** Gives pages back without changing the size: later reads find zeros. */
  punch(fd: number, offset: number, bytes: number): void;
  /** Maps a whole file for reading and writing. */
  map(fd: number, bytes: number): Mapping;
  /** Faults pages in; false where the kernel (before 5.14) cannot, or will not. */
  populate(mapping: Mapping, offset: number, bytes: number): boolean;
}

/**
 * One mapping and its one ArrayBuffer. It is unmapped when the buffer can no longer be reached, and never before: a view of unmapped memory ends
 * the process. There is one buffer per mapping, since V8 aborts on two over one address.
 */
export interface Mapping {
  readonly address: bigint;
  readonly bytes: number;
  readonly buffer: ArrayBuffer;
}

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1033;
const F_SEAL_SEAL = 1;
const F_SEAL_SHRINK = 2;
const F_SEAL_GROW = 4;
const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MADV_POPULATE_WRITE = 23;

/** @throws when koffi cannot be loaded, or the C library lacks a function */
export async function loadNative(): Promise<Native> {
  const { default: koffi } = await import('koffi');
  const libc = koffi.load('libc.so.6');
  const memfdCreate = libc.func('int memfd_create(const char *name, unsigned int flags)');
  const ftruncate = libc.func('int ftruncate(int fd, int64_t length)');
  const fcntl = libc.func('int fcntl(int fd, int cmd, ...)');
  const fallocate = libc.func('int fallocate(int fd, int mode, int64_t offset, int64_t len)');
  const mmap = libc.func('uintptr_t mmap(uintptr_t addr, size_t length, int prot, int flags, int fd, int64_t offset)');
  const munmap = libc.func('int munmap(uintptr_t addr, size_t length)');
  const madvise = libc.func('int madvise(uintptr_t addr, size_t length, int advice)');
  const unreachable = new FinalizationRegistry<{ address: bigint; bytes: number }>(({ address, bytes }) => {
    munmap(address, bytes);
  });

  const check = (what: string, result: number): number => {
    if (result >= 0) return result;
    throw new Error(`${what}: ${errorName(koffi.errno())}`);
  };
  return {
    memfdCreate: (name) => check('memfd_create', memfdCreate(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)),
    truncate: (fd, bytes) => void check('ftruncate', ftruncate(fd, bytes)),
    seal: (fd) =>
      void check('fcntl F_ADD_SEALS', fcntl(fd, F_ADD_SEALS, 'int', F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)),
    allocate: (fd, offset, bytes) => fallocate(fd, 0, offset, bytes) === 0,
    punch: (fd, offset, bytes) => void fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, bytes),
    map(fd, bytes) {
      const address = BigInt(mmap(0, bytes, PROT_READ_WRITE, MAP_SHARED, fd, 0));
      if (BigInt.asIntN(64, address) === -1n) throw new Error(`mmap: ${errorName(koffi.errno())}`);
      const buffer = koffi.view(address, bytes);
      unreachable.register(buffer, { address, bytes });
      return { address, bytes, buffer };
    },
    populate: ({ address }, offset, bytes) => madvise(address + BigInt(offset), bytes, MADV_POPULATE_WRITE) === 0,
  };
}

function errorName(errno: number): string {
  return Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? `error ${errno}`;
}
