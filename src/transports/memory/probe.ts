/**
 * Tries the native way in a child process first: code that ends a process there would have ended the host here. Once per process; the answer is
 * kept. About 60 ms, while the workers start.
 */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const TIMEOUT_MS = 10_000;

/** Runs in the child: makes a sealed file, maps it, writes and reads. Prints `ok`. */
const TRIAL = `
const koffi = require(process.argv[1]);
const libc = koffi.load('libc.so.6');
const fd = libc.func('int memfd_create(const char *name, unsigned int flags)')('pitwall-probe', 3);
if (fd < 0) throw new Error('memfd_create');
if (libc.func('int ftruncate(int fd, int64_t length)')(fd, 65536) !== 0) throw new Error('ftruncate');
if (libc.func('int fallocate(int fd, int mode, int64_t offset, int64_t len)')(fd, 0, 0, 65536) !== 0) throw new Error('fallocate');
const at = libc.func('uintptr_t mmap(uintptr_t a, size_t n, int prot, int flags, int fd, int64_t offset)')(0, 65536, 3, 1, fd, 0);
const bytes = new Uint8Array(koffi.view(BigInt(at), 65536));
bytes.fill(7);
if (bytes[65535] !== 7) throw new Error('read');
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
  const koffi = locateKoffi();
  if (koffi === undefined) return Promise.resolve('koffi is not installed');
  return new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MS, env: { ...process.env, NODE_OPTIONS: '' } };
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
