/** The machine over the last minutes: what the resource monitor saw, four times a second, and when V8 stopped the process. Bounded. */
import type { ResourceSnapshot } from '../decision/types.ts';
import type { GcPause } from './resource-gc.ts';

/** Ten minutes of samples. */
const MAX_SAMPLES = 2_400;
const MAX_PAUSES = 4_096;

export class MachineHistory {
  #samples: ResourceSnapshot[] = [];
  #pauses: GcPause[] = [];

  add(sample: ResourceSnapshot, pauses: readonly GcPause[]): void {
    this.#samples.push(sample);
    this.#pauses.push(...pauses);
    // Cut in halves: shifting at every sample would copy the whole of it.
    if (this.#samples.length > 2 * MAX_SAMPLES) this.#samples = this.#samples.slice(-MAX_SAMPLES);
    if (this.#pauses.length > 2 * MAX_PAUSES) this.#pauses = this.#pauses.slice(-MAX_PAUSES);
  }

  samples(fromMs: number, toMs: number): ResourceSnapshot[] {
    return this.#samples.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
  }

  pauses(fromMs: number, toMs: number): GcPause[] {
    return this.#pauses.filter(({ atMs, durationMs }) => atMs + durationMs >= fromMs && atMs <= toMs);
  }
}
