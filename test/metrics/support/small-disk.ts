/** File systems of a few megabytes that can be filled and turned read-only: tmpfs mounts, where this user may mount. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';

export interface SmallDisk {
  readonly path: string;
  /** Takes all room that is left, but for some bytes. */
  fill(leave: number): void;
  makeRoom(): void;
  readOnly(on: boolean): void;
}

/** Undefined where this user may not mount; said on the console, so that nobody takes the tests for passed. */
export function smallDisk(megabytes: number): SmallDisk | undefined {
  const path = join(tmpdir(), `pitwall-small-${process.pid}-${randomBytes(3).toString('hex')}`);
  const mount = () => {
    mkdirSync(path);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], { stdio: 'ignore' });
  };
  const unmount = () => {
    // Lazily: lmdb keeps a file open that it read without a lock file (as on a read-only disk) until the process ends.
    execFileSync('umount', ['-l', path]);
    rmSync(path, { recursive: true });
  };
  try {
    // A try: which tests there are is asked before any hook runs, and no hook runs where all of them are left out.
    mount();
    unmount();
  } catch {
    rmSync(path, { recursive: true, force: true });
    console.warn('SKIPPED: tests of a full and of a read-only disk. This user may not mount a tmpfs.');
    return undefined;
  }
  beforeAll(mount);
  afterAll(unmount);
  const ballast = join(path, 'ballast');
  return {
    path,
    fill(leave) {
      rmSync(ballast, { force: true });
      const { bavail, bsize } = statfsSync(path);
      writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - leave), 1));
    },
    makeRoom: () => rmSync(ballast, { force: true }),
    readOnly: (on) => execFileSync('mount', ['-o', `remount,${on ? 'ro' : 'rw'}`, path]),
  };
}
