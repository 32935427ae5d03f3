import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import { type CgroupFiles, memoryCgroups, parseBytes, parseLimit, parseStatField } from './resource-cgroup.ts';
import { KernelFiles } from './resource-files.ts';
import { type Memory, parseMeminfo } from './resource-proc.ts';

/** How often groups and their limits are looked up anew: limits change at run time (`docker update`, resized pods). */
const LOOK_UP_EVERY_MS = 10_000;
/** How often droppable cache is read anew: `memory.stat` makes the kernel add up every core's counters, the other files do not. */
const STAT_EVERY_MS = 2_000;

interface LimitedGroup {
  readonly files: CgroupFiles;
  readonly limit: number;
  droppable: number;
}

export interface MemoryReading {
  /** Share in use, 0..1: of the machine's memory or of a group's limit, whichever is fuller. */
  readonly load: number;
  /** Bytes that can still be had: of the machine or within a group's limit, whichever is less. */
  readonly available: number;
}

/** Memory as the machine and the control groups around this process have it. */
export class MemoryReader {
  readonly #files = new KernelFiles();
  readonly #procDir: string;
  #groups: LimitedGroup[] = [];
  #lookedUpAtMs = Number.NEGATIVE_INFINITY;
  #statAtMs = Number.NEGATIVE_INFINITY;

  constructor(procDir: string) {
    this.#procDir = procDir;
  }

  read(nowMs: number): MemoryReading | undefined {
    const machine = this.#machine();
    if (machine === undefined) return undefined;
    if (nowMs - this.#lookedUpAtMs >= LOOK_UP_EVERY_MS) this.#lookUp(nowMs);
    const statIsDue = nowMs - this.#statAtMs >= STAT_EVERY_MS;
    if (statIsDue) this.#statAtMs = nowMs;
    let load = 1 - machine.available / machine.total;
    let available = machine.available;
    for (const group of this.#groups) {
      const usage = parseBytes(this.#files.read(group.files.usage) ?? '');
      if (usage === undefined) continue;
      if (statIsDue) {
        group.droppable = parseStatField(this.#files.read(group.files.stat) ?? '', group.files.droppable) ?? 0;
      }
      const used = Math.max(0, usage - group.droppable);
      load = Math.max(load, Math.min(1, used / group.limit));
      available = Math.min(available, Math.max(0, group.limit - used));
    }
    return { load, available };
  }

  close(): void {
    this.#files.close();
  }

  #machine(): Memory | undefined {
    const text = this.#files.read(`${this.#procDir}/meminfo`);
    if (text !== undefined) return parseMeminfo(text);
    const total = totalmem();
    return total > 0 ? { total, available: Math.min(freemem(), total) } : undefined;
  }

  /** Keeps the groups whose limit is one: without any, which is the rule outside containers, a sample reads no group at all. */
  #lookUp(nowMs: number): void {
    this.#lookedUpAtMs = nowMs;
    this.#statAtMs = Number.NEGATIVE_INFINITY;
    this.#groups = [];
    this.#files.close();
    const groups = memoryCgroups(readOnce(`${this.#procDir}/self/cgroup`), readOnce(`${this.#procDir}/self/mountinfo`));
    for (const files of groups) {
      const limits = files.limits.map((path) => parseLimit(readOnce(path))).filter((limit) => limit !== undefined);
      const limit = Math.min(...limits);
      if (limit > 0 && Number.isFinite(limit)) this.#groups.push({ files, limit, droppable: 0 });
    }
  }
}

function readOnce(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
