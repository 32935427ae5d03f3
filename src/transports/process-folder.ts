/**
 * Where a host's sockets and named regions lie: a folder of its own that nobody else may enter, named after the process, so that a later start can tell the
 * folders of the dead from those of the living.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';

const PREFIX = 'pitwall-';

/** Makes this process's folder below `base`, mode 0700, and clears those of dead hosts. @returns its path */
export function openProcessFolder(base: string = tmpdir()): string {
  clearDead(base);
  const folder = path.join(base, `${PREFIX}${userInfo().uid}-${process.pid}-${startTime(process.pid) ?? 0}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

export function removeProcessFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

function clearDead(base: string): void {
  const own = new RegExp(`^${PREFIX}${userInfo().uid}-(\\d+)-(\\d+)$`);
  for (const name of readdirSync(base)) {
    const [, pid, started] = own.exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid), Number(started))) continue;
    rmSync(path.join(base, name), { recursive: true, force: true });
  }
}

/** A process id may have been given to another process since: the start time tells. */
function isAlive(pid: number, started: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
  }
  const now = startTime(pid);
  return now === undefined || started === 0 || now === started;
}

/** Start of a process in clock ticks since boot (proc(5), field 22 of `stat`); undefined where there is no `/proc`. */
function startTime(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name may hold spaces and parentheses: fields are counted from the last one.
    const field = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return field === undefined ? undefined : Number(field);
  } catch {
    return undefined;
  }
}
