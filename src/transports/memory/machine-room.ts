/**
 * Bytes of memory that this process may still take: what the machine has available, and what each control group around the process allows. Beyond
 * either, taking a page does not fail: the kernel kills somebody. Node's own `process.availableMemory` sees the innermost group only, while a pod
 * or a service slice is limited further out. Formats: proc_meminfo(5), cgroups(7), proc_pid_mountinfo(5).
 */
import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';

/** Groups and their limits change at run time, but seldom. */
const LOOK_UP_EVERY_MS = 10_000;

interface Group {
  readonly limit: number;
  readonly usage: string;
  readonly stat: string;
  /** Page cache that the kernel would drop first, a field of `stat`. */
  readonly droppable: RegExp;
}

export class MachineRoom {
  #groups: Group[] = [];
  #lookedUpMs = Number.NEGATIVE_INFINITY;

  /** @param enough what is not less than this need not be exact: the kernel adds up every core's counters for the rest */
  bytes(nowMs: number, enough: number): number {
    if (Math.abs(nowMs - this.#lookedUpMs) >= LOOK_UP_EVERY_MS) {
      this.#lookedUpMs = nowMs;
      this.#groups = limitedGroups(read('/proc/self/cgroup'), read('/proc/self/mountinfo'));
    }
    let room = freemem();
    for (const { limit, usage, stat, droppable } of this.#groups) {
      let left = limit - (wholeNumber(read(usage)) ?? 0);
      if (left < enough) left += wholeNumber(droppable.exec(read(stat))?.[1] ?? '') ?? 0;
      room = Math.min(room, left);
    }
    return Math.max(0, room);
  }
}

/** The group that the process is in and those above it, as far as they have a limit. */
function limitedGroups(cgroup: string, mountinfo: string): Group[] {
  const v1 = /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(\/.*)$/m.exec(cgroup)?.[1];
  const [name, type] = v1 === undefined ? [/^0::(\/.*)$/m.exec(cgroup)?.[1], 'cgroup2'] : [v1, 'cgroup'];
  if (name === undefined) return [];
  return directoriesOf(name, type, mountinfo).flatMap((directory) => {
    const files = v1 === undefined ? ['memory.max', 'memory.high'] : ['memory.limit_in_bytes'];
    const limits = files.map((file) => wholeNumber(read(`${directory}/${file}`)) ?? Number.POSITIVE_INFINITY);
    const limit = Math.min(...limits);
    // Version 1 writes "no limit" as the largest number of pages.
    if (!(limit < Number.MAX_SAFE_INTEGER)) return [];
    return {
      limit,
      usage: `${directory}/${v1 === undefined ? 'memory.current' : 'memory.usage_in_bytes'}`,
      stat: `${directory}/memory.stat`,
      droppable: v1 === undefined ? /^inactive_file (\d+)$/m : /^total_inactive_file (\d+)$/m,
    };
  });
}

/** `36 35 98:0 /root /point rw shared:1 - cgroup cgroup rw,memory`: in a container the mount's root may be the group itself. */
function directoriesOf(name: string, type: string, mountinfo: string): string[] {
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ', 2);
    const [, , , root = '', point = ''] = before.split(' ');
    const [kind, , options = ''] = after.split(' ');
    if (kind !== type || (type === 'cgroup' && !options.split(',').includes('memory'))) continue;
    const top = root === '/' ? '' : root;
    const inside = name === top || name.startsWith(`${top}/`) ? name.slice(top.length) : '';
    const steps = inside.split('/').filter((step) => step !== '');
    if (steps.includes('..')) return [point];
    return steps.map((_, index) => [point, ...steps.slice(0, steps.length - index)].join('/')).concat(point);
  }
  return [];
}

function wholeNumber(text: string): number | undefined {
  const digits = /^\d+/.exec(text)?.[0];
  return digits === undefined ? undefined : Number(digits);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
