/** What Linux says of cpu and memory, parsed. Pure: text in, numbers out; undefined where the text is not what it should be. */

/** Time that all cores together spent, in the kernel's ticks since boot. */
export interface CpuTimes {
  readonly busy: number;
  readonly total: number;
}

/**
 * The first line of `/proc/stat` (proc_stat(5)): user nice system idle iowait irq softirq steal guest guest_nice. Guest time is
 * contained in user and nice. Waiting for I/O leaves a core free; stolen time does not.
 */
export function parseProcStat(text: string): CpuTimes | undefined {
  const line = /^cpu +(\d[\d ]*)/m.exec(text)?.[1];
  if (line === undefined) return undefined;
  const ticks = line.trim().split(/ +/, 8).map(Number);
  if (ticks.length < 4) return undefined;
  const total = ticks.reduce((sum, each) => sum + each, 0);
  const [, , , idle = 0, iowait = 0] = ticks;
  return { busy: total - idle - iowait, total };
}

export interface Memory {
  readonly total: number;
  readonly available: number;
}

/** `/proc/meminfo`, bytes. `MemAvailable` where the kernel (3.14 and later) gives it, else what can be had at once or dropped. */
export function parseMeminfo(text: string): Memory | undefined {
  const total = meminfoField(text, 'MemTotal');
  const available = meminfoField(text, 'MemAvailable') ?? droppable(text);
  return total === undefined || total === 0 || available === undefined
    ? undefined
    : { total, available: Math.min(available, total) };
}

function droppable(text: string): number | undefined {
  const free = meminfoField(text, 'MemFree');
  if (free === undefined) return undefined;
  return free + (meminfoField(text, 'Buffers') ?? 0) + (meminfoField(text, 'Cached') ?? 0);
}

function meminfoField(text: string, field: string): number | undefined {
  const kibibytes = new RegExp(`^${field}: +(\\d+) kB$`, 'm').exec(text)?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}
