/**
 * Bytes of memory that this process may still take: what the machine has available, and what each control group around the process allows. Beyond
 * either, taking a page does not fail: the kernel kills somebody. Node's own `process.availableMemory` sees the innermost group only, while a pod
 * or a service slice is limited further out.
 */
import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { type GroupFiles, memoryGroups } from './control-groups.ts';

/** Groups and their limits change at run time, but seldom. */
const LOOK_UP_EVERY_MS = 10_000;

interface LimitedGroup extends GroupFiles {
  readonly limit: number;
}

export class MachineRoom {
  #groups: LimitedGroup[] = [];
  #lookedUpMs = Number.NEGATIVE_INFINITY;

  /** @param enough what is not less than this need not be exact: the kernel adds up every core's counters for the rest */
  bytes(nowMs: number, enough: number): number {
    if (Math.abs(nowMs - this.#lookedUpMs) >= LOOK_UP_EVERY_MS) {
      this.#lookedUpMs = nowMs;
      this.#groups = memoryGroups(read('/proc/self/cgroup'), read('/proc/self/mountinfo')).flatMap(limited);
    }
    // Where no group is found, Node may still know one.
    let room = this.#groups.length > 0 ? freemem() : Math.min(freemem(), process.availableMemory());
    for (const { limit, usage, stat, droppable } of this.#groups) {
      let left = limit - (wholeNumber(read(usage)) ?? 0);
      if (left < enough) left += wholeNumber(droppable.exec(read(stat))?.[1] ?? '') ?? 0;
      room = Math.min(room, left);
    }
    return Math.max(0, room);
  }
}

function limited(files: GroupFiles): LimitedGroup[] {
  const limits = files.limits.map((path) => wholeNumber(read(path)) ?? Number.POSITIVE_INFINITY);
  const limit = Math.min(...limits);
  // Version 1 writes "no limit" as the largest number of pages.
  return limit < Number.MAX_SAFE_INTEGER ? [{ ...files, limit }] : [];
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
