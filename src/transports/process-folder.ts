/**
 * Where a host's sockets and named regions lie: a folder of its own that nobody else may enter, named after the process, so that a later start can
 * tell the folders of the dead from those of the living.
 */
import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';

const PREFIX = 'pitwall';

/** Makes this process's folder below `base`, mode 0700, and clears those of dead hosts. @returns its path */
export function openProcessFolder(base: string = tmpdir()): string {
  clearDead(base);
  const { pid } = process;
  const name = [PREFIX, userInfo().uid, pidNamespace(), pid, processState(pid)?.started ?? 0].join('-');
  const folder = path.join(base, name);
  if (makePrivate(folder)) return folder;
  // Somebody else put something of that name there.
  const other = `${folder}-${randomBytes(8).toString('hex')}`;
  mkdirSync(other, { mode: 0o700 });
  return other;
}

/** Removes a folder inside a process folder, and that one too when nothing else is in it. */
export function removeInside(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  try {
    rmdirSync(path.dirname(folder));
  } catch {
    // Something else of this process lies there.
  }
}

function makePrivate(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 });
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    const found = lstatSync(folder);
    const ours = found.isDirectory() && found.uid === userInfo().uid;
    // Windows knows no such modes.
    return process.platform === 'win32' ? found.isDirectory() : ours && (found.mode & 0o077) === 0;
  }
}

function clearDead(base: string): void {
  const own = new RegExp(`^${PREFIX}-${userInfo().uid}-${pidNamespace()}-(\\d+)-(\\d+)(?:-[0-9a-f]{16})?$`);
  for (const name of readdirSync(base)) {
    const [, pid, started] = own.exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid), Number(started))) continue;
    try {
      rmSync(path.join(base, name), { recursive: true, force: true });
    } catch {
      // Not ours to remove, or another start is at it.
    }
  }
}

/** A process id may have been given to another process since: the start time tells. */
function isAlive(pid: number, started: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
  }
  const now = processState(pid);
  if (now === undefined) return true;
  // A zombie is dead; its parent has not looked.
  return now.state !== 'Z' && (started === 0 || now.started === started);
}

/** Containers may share a folder, but not their process ids: another's look dead from here, so they are told apart. 0 where there are none. */
function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '');
  } catch {
    return '0';
  }
}

/**
 * State of a process, and its start in clock ticks since boot (proc(5), fields 3 and 22 of `stat`); undefined where there is no `/proc`.
 */
function processState(pid: number): { readonly state: string; readonly started: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name may hold spaces and parentheses: fields are counted from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', started: Number(fields[19]) };
  } catch {
    return undefined;
  }
}

function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
