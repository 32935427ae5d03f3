/** One measured figure. */
export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The same work by a peer, measured in the same run. */
  readonly peer?: { readonly name: string; readonly value: number } | undefined;
  /** What must hold, and whether it does. */
  readonly bar?: string | undefined;
  readonly holds?: boolean | undefined;
}

export function atMost(name: string, value: number, unit: string, most: number): BenchRow {
  return { name, value, unit, bar: `<= ${most}`, holds: value <= most };
}

export function atLeast(name: string, value: number, unit: string, least: number): BenchRow {
  return { name, value, unit, bar: `>= ${least}`, holds: value >= least };
}

/** Percentile of sorted values, nearest rank. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** Median of so many timings of `work`, milliseconds. */
export async function medianMs(rounds: number, work: () => Promise<unknown> | unknown): Promise<number> {
  const times = new Float64Array(rounds);
  for (let round = 0; round < rounds; round += 1) {
    const startMs = performance.now();
    await work();
    times[round] = performance.now() - startMs;
  }
  return percentile(times.sort(), 0.5);
}
