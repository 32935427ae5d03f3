import { cpus } from 'node:os';
import { KernelFiles } from './resource-files.ts';
import { type CpuTimes, parseProcStat } from './resource-proc.ts';

/**
 * Milliseconds of core time that a load is averaged over at least. Ticks are 10 ms: over less than this the answer would be mostly
 * rounding.
 */
const SHORTEST_WINDOW_MS = 100;
const TICK_MS = 10;

/** Busy share of all cores between one reading and the next. */
export class CpuReader {
  readonly #files = new KernelFiles();
  readonly #statPath: string;
  #last: CpuTimes | undefined;
  #load: number | undefined;

  constructor(procDir: string) {
    this.#statPath = `${procDir}/stat`;
    this.#last = this.#times();
  }

  /** 0..1; the last one again where too little time went by; undefined before the first window is over. */
  read(): number | undefined {
    const times = this.#times();
    if (times === undefined) return undefined;
    const last = this.#last ?? times;
    const total = times.total - last.total;
    if (total >= SHORTEST_WINDOW_MS) {
      this.#load = Math.min(1, Math.max(0, (times.busy - last.busy) / total));
      this.#last = times;
    } else if (total < 0 || this.#last === undefined) {
      // A core went offline and took its counters along: start again.
      this.#last = times;
    }
    return this.#load;
  }

  close(): void {
    this.#files.close();
  }

  /** In milliseconds. */
  #times(): CpuTimes | undefined {
    const text = this.#files.read(this.#statPath);
    if (text === undefined) return timesOfAllCores();
    const ticks = parseProcStat(text);
    return ticks && { busy: ticks.busy * TICK_MS, total: ticks.total * TICK_MS };
  }
}

function timesOfAllCores(): CpuTimes | undefined {
  let busy = 0;
  let total = 0;
  for (const { times } of cpus()) {
    const used = times.user + times.nice + times.sys + times.irq;
    busy += used;
    total += used + times.idle;
  }
  return total > 0 ? { busy, total } : undefined;
}
