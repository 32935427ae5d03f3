/** Repeats measurements in turn until their time is over, so that each meets the same moments of the machine. */

/** One thing to measure: resolves with microseconds. */
export interface Probe {
  readonly name: string;
  readonly run: () => Promise<number>;
}

export interface Samples {
  /** Microseconds by the probe's name. */
  readonly us: ReadonlyMap<string, readonly number[]>;
  /** Why a probe was given up, by its name. */
  readonly failures: ReadonlyMap<string, string>;
}

/** Rounds that are not counted: code is cold, and so is memory. */
const WARM_UP_ROUNDS = 1;
/** However little time there is. */
const LEAST_ROUNDS = 3;
const MOST_ROUNDS = 200;

/**
 * One sample of every probe a round, in an order that turns around each time. A probe that fails is given up, with its reason.
 *
 * @param budgetMs ended after the round that exceeds it, with at least three rounds unless `deadlineMs` is over
 * @param deadlineMs by `performance.now()`
 */
export async function sampleInTurn(probes: readonly Probe[], budgetMs: number, deadlineMs: number): Promise<Samples> {
  const us = new Map<string, number[]>(probes.map(({ name }) => [name, []]));
  const failures = new Map<string, string>();
  const startedMs = performance.now();
  for (let round = 0; round < MOST_ROUNDS + WARM_UP_ROUNDS; round += 1) {
    const enough = round >= LEAST_ROUNDS + WARM_UP_ROUNDS && performance.now() - startedMs >= budgetMs;
    for (const { name, run } of round % 2 === 0 ? probes : [...probes].reverse()) {
      if (enough || performance.now() >= deadlineMs) return { us, failures };
      if (failures.has(name)) continue;
      try {
        const sample = await run();
        if (round >= WARM_UP_ROUNDS) us.get(name)?.push(sample);
      } catch (error) {
        failures.set(name, error instanceof Error ? error.message : String(error));
      }
    }
  }
  return { us, failures };
}

/**
 * What stands for the samples: their lower quartile. Neighbours, the collector and the scheduler only ever add time, so that low quantiles of few
 * samples scatter less than the median; on a calm machine the two are near one another. Undefined where nothing was measured.
 */
export function typical(values: readonly number[] | undefined): number | undefined {
  if (values === undefined || values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 4)];
}
