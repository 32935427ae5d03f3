/**
 * The few functions of Linux that Node does not have, through koffi. Loaded when shared memory is first used. Every call is made on the
 * thread that asks, and returns what the system said; errors carry its name for them.
 */
import { constants as bufferConstants } from 'node:buffer';
import { constants } from 'node:os';

export interface Native {
  /** Anonymous file that can be sealed; throws with the system's error name. */
  memfdCreate(name: string): number;
  truncate(fd: number, bytes: number): void;
  /** Forbids any change of size, for good: nobody can cut the file below the mappings (which would be SIGBUS). */
  seal(fd: number): void;
  /** Whether a file can no longer be cut. */
  isSealed(fd: number): boolean;
  /** Allocates pages; false when there are none to be had. */
  allocate(fd: number, offset: number, bytes: number): boolean;
  /** Gives pages back: they read as zeros, and take memory again when they are touched. */
  punch(fd: number, offset: number, bytes: number): void;
  /** Maps a whole file for reading and writing. @throws for more than `MAX_MAPPED` bytes, and what the system says */
  map(fd: number, bytes: number): Mapping;
  /** Lets go of the file: views stay valid, and show private memory, zeros at first. */
  detach(mapping: Mapping): void;
  /** Faults in pages that exist, whole pages around the range; false where the kernel (before 5.14) cannot, or will not. */
  populate(mapping: Mapping, from: number, to: number, access: 'read' | 'write'): boolean;
}

/**
 * One mapping and its one ArrayBuffer. It is unmapped when the buffer can no longer be reached, and never before: a view of unmapped memory ends
 * the process.
 */
export interface Mapping {
  readonly address: bigint;
  readonly bytes: number;
  readonly buffer: ArrayBuffer;
}

/** What one ArrayBuffer may hold (4 GiB on Node 20). More would abort the process inside koffi, not throw. */
export const MAX_MAPPED = bufferConstants.MAX_LENGTH;
export const PAGE = 4096;

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
const F_SEAL_SEAL = 1;
const F_SEAL_SHRINK = 2;
const F_SEAL_GROW = 4;
const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MADV_POPULATE_READ = 22;
const MADV_POPULATE_WRITE = 23;

let loading: Promise<Native> | undefined;

/** Once per thread: what unmaps must live as long as any mapping. @throws when koffi cannot be loaded, or the C library lacks a function */
export function loadNative(): Promise<Native> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Native> {
  const { default: koffi } = await import('koffi');
  // The C library that Node itself runs on, whatever its name.
  const libc = koffi.load(null);
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
    isSealed: (fd) => (check('fcntl F_GET_SEALS', fcntl(fd, F_GET_SEALS, 'int', 0)) & F_SEAL_SHRINK) !== 0,
    allocate: (fd, offset, bytes) => fallocate(fd, 0, offset, bytes) === 0,
    punch: (fd, offset, bytes) => void fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, offset, bytes),
    map(fd, bytes) {
      if (bytes > MAX_MAPPED) throw new Error(`mmap: ${bytes} bytes are more than one buffer holds (${MAX_MAPPED})`);
      const address = BigInt(mmap(0, bytes, PROT_READ_WRITE, MAP_SHARED, fd, 0));
      if (BigInt.asIntN(64, address) === -1n) throw new Error(`mmap: ${errorName(koffi.errno())}`);
      const buffer = keepInPlace(koffi.view(address, bytes));
      unreachable.register(buffer, { address, bytes });
      return { address, bytes, buffer };
    },
    detach({ address, bytes }) {
      const flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE;
      mmap(address, bytes, PROT_READ_WRITE, flags, -1, 0);
    },
    populate({ address }, from, to, access) {
      const start = from - (from % PAGE);
      const advice = access === 'read' ? MADV_POPULATE_READ : MADV_POPULATE_WRITE;
      return madvise(address + BigInt(start), to - start, advice) === 0;
    },
  };
}

/**
 * Memory that moved to another ArrayBuffer would outlive the object that its unmapping hangs on. Node clones foreign memory, or refuses to transfer
 * it, in messages by itself; `transfer` is refused here. (Not by markAsUntransferable: on Node 26 the process then aborts at its
 * end, where Node detaches foreign buffers.)
 */
function keepInPlace(buffer: ArrayBuffer): ArrayBuffer {
  for (const name of ['transfer', 'transferToFixedLength', 'transferToImmutable']) {
    Object.defineProperty(buffer, name, { value: refuseToMove });
  }
  return buffer;
}

function refuseToMove(): never {
  throw new TypeError('shared memory cannot be transferred; copy it with slice()');
}

function errorName(errno: number): string {
  return Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? `error ${errno}`;
}
