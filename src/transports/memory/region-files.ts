/** Names of regions on tmpfs: in a folder of this process's own, which nobody else may enter; what dead hosts left is cleared. */
import { lstatSync, rmdirSync, rmSync, statfsSync } from 'node:fs';
import path from 'node:path';
import { openProcessFolder } from '../process-folder.ts';

const TMPFS_MAGIC = 0x01021994;

/** A path for a new region. @throws where the directory is not on tmpfs, cannot be written, or is not this user's alone */
export function regionPath(shmDir: string, arena: string): string {
  const { type } = statfsSync(shmDir);
  if (type !== TMPFS_MAGIC) throw new Error(`${shmDir} is not a tmpfs, and shared memory never goes to a disk`);
  const folder = openProcessFolder(shmDir);
  const { uid, mode } = lstatSync(folder);
  if (uid !== process.getuid?.() || (mode & 0o77) !== 0) throw new Error(`${folder} is not this user's alone`);
  return path.join(folder, `${arena}.region`);
}

export function removeRegionFile(file: string): void {
  rmSync(file, { force: true });
  removeIfEmpty(path.dirname(file));
}

/** Clears what dead hosts left, for a host that needs no file itself. */
export function clearDeadRegions(shmDir: string): void {
  try {
    removeIfEmpty(openProcessFolder(shmDir));
  } catch {
    // No such directory, or not ours to write: nothing of ours is there either.
  }
}

/** Bytes that may still be written where a file lies. */
export function freeBytes(file: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(path.dirname(file));
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Another arena of this process is in it.
  }
}
