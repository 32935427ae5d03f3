/**
 * Page-Hinkley test for a change of the mean, two-sided (Page, Biometrika 41, 1954; Mouss et al., ACC 2004): cumulates how far values lie from
 * their mean beyond a tolerance, and alarms when the sum has risen, or fallen, far from its extreme. Constant memory.
 */
import { InvalidArgumentError } from '../errors.ts';

export interface PageHinkleyOptions {
  /** Deviation that is tolerated, in standard deviations of the stream. Default 0.25. */
  readonly tolerance?: number;
  /** Height of the alarm, in standard deviations. Default 25. */
  readonly threshold?: number;
  /** Values before the first alarm. Default 60. */
  readonly minimum?: number;
}

/** Count, mean, sum of squares, and both cumulated sums. */
export type PageHinkleyState = readonly [number, number, number, number, number];

export class PageHinkley {
  readonly #tolerance: number;
  readonly #threshold: number;
  readonly #minimum: number;
  #count = 0;
  #mean = 0;
  #squares = 0;
  #rising = 0;
  #falling = 0;

  /** @param state where another one stood, as `toState` gave it */
  constructor(options: PageHinkleyOptions = {}, state?: PageHinkleyState) {
    this.#tolerance = positive('tolerance', options.tolerance ?? 0.25);
    this.#threshold = positive('threshold', options.threshold ?? 25);
    this.#minimum = positive('minimum', options.minimum ?? 60);
    if (state !== undefined) [this.#count, this.#mean, this.#squares, this.#rising, this.#falling] = state;
  }

  toState(): PageHinkleyState {
    return [this.#count, this.#mean, this.#squares, this.#rising, this.#falling];
  }

  /** Takes a value; true is an alarm, after which the test starts anew. What is no finite number is left out. */
  update(value: number): boolean {
    if (!Number.isFinite(value)) return false;
    this.#count += 1;
    const before = value - this.#mean;
    this.#mean += before / this.#count;
    this.#squares += before * (value - this.#mean);
    const deviation = Math.sqrt(this.#squares / this.#count);
    if (this.#count < this.#minimum || !(deviation > 0)) return false;
    const standardized = before / deviation;
    this.#rising = Math.max(0, this.#rising + standardized - this.#tolerance);
    this.#falling = Math.max(0, this.#falling - standardized - this.#tolerance);
    if (this.#rising <= this.#threshold && this.#falling <= this.#threshold) return false;
    this.reset();
    return true;
  }

  reset(): void {
    this.#count = 0;
    this.#mean = 0;
    this.#squares = 0;
    this.#rising = 0;
    this.#falling = 0;
  }
}

function positive(field: string, value: number): number {
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError(field, value, 'a number > 0');
}
