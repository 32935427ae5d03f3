/** Long computations written as generators: run at once, or in slices between which the event loop of the host runs. */
import { TimeBudget } from './time-budget.ts';

/** Each step is a millisecond or so of work; its value is the result. */
export type Steps<R> = Generator<void, R>;

const SLICE_MS = 2;

export function atOnce<R>(steps: Steps<R>): R {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The event loop has its turn after every 2 ms or, where one step takes longer, after each. */
export async function inSlices<R>(steps: Steps<R>): Promise<R> {
  let slice = new TimeBudget(SLICE_MS);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (!slice.spent) continue;
    await new Promise((resolve) => setImmediate(resolve));
    slice = new TimeBudget(SLICE_MS);
  }
}
