/**
 * Tries the native way in a child process first: code that ends a process there would have ended the host here. Once per process; the answer is
 * kept.
 */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const TIMEOUT_MS = 10_000;

/** Runs in the child, the same calls as `native.ts`: a sealed file (or anonymous memory), mapped, written, read, replaced. Prints `ok`. */
const TRIAL = `
const koffi = require(process.argv[1]);
const libc = koffi.load(null);
const fd = libc.func('int memfd_create(const char *name, unsigned int flags)')('pitwall-trial', 3);
const has = fd >= 0;
const fcntl = libc.func('int fcntl(int fd, int cmd, ...)');
if (has && libc.func('int ftruncate(int fd, int64_t length)')(fd, 65536) !== 0) throw new Error('ftruncate');
if (has && fcntl(fd, 1033, 'int', 7) !== 0) throw new Error('F_ADD_SEALS');
if (has && libc.func('int fallocate(int fd, int mode, int64_t offset, int64_t len)')(fd, 0, 0, 65536) !== 0) throw new Error('fallocate');
const mmap = libc.func('uintptr_t mmap(uintptr_t a, size_t n, int prot, int flags, int fd, int64_t offset)');
const at = BigInt(mmap(0, 65536, 3, has ? 0x1 : 0x21, fd, 0));
if (BigInt.asIntN(64, at) === -1n) throw new Error('mmap');
libc.func('int madvise(uintptr_t addr, size_t length, int advice)')(at, 65536, 23);
const bytes = new Uint8Array(koffi.view(at, 65536));
bytes.fill(7);
if (bytes[65535] !== 7) throw new Error('read');
if (BigInt(mmap(at, 65536, 3, 0x4032, -1, 0)) !== at || bytes[65535] !== 0) throw new Error('mmap MAP_FIXED');
console.log('ok');
`;

export class NativeProbe {
  #answer: Promise<string | undefined> | undefined;

  /** Why native code cannot be used; undefined where it can. */
  problem(): Promise<string | undefined> {
    this.#answer ??= probe();
    return this.#answer;
  }
}

function probe(): Promise<string | undefined> {
  if (process.platform !== 'linux') return Promise.resolve(`memfd needs Linux, this is ${process.platform}`);
  // A host packed into one executable starts itself here, not a trial: its child must not try again.
  if (process.env.PITWALL_NATIVE_TRIAL !== undefined) return Promise.resolve('this process is a trial itself');
  const koffi = locateKoffi();
  if (koffi === undefined) return Promise.resolve('koffi is not installed');
  return new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MS, env: { ...process.env, NODE_OPTIONS: '', PITWALL_NATIVE_TRIAL: '1' } };
    execFile(process.execPath, ['-e', TRIAL, koffi], options, (error, stdout, stderr) => {
      if (!error && stdout.trim() === 'ok') resolve(undefined);
      else resolve(`the native trial failed: ${stderr.trim().split('\n').at(-1) || error?.message || 'no answer'}`);
    });
  });
}

function locateKoffi(): string | undefined {
  const url: string | undefined = import.meta.url;
  for (const start of [url, pathToFileURL(path.join(process.cwd(), 'resolve.js')).href]) {
    if (start === undefined) continue;
    try {
      return createRequire(start).resolve('koffi');
    } catch {
      // The next place.
    }
  }
  return undefined;
}
