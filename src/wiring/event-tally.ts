/** Counts of what was told, for telemetry: events are gone once they are told. */
/** Series of one count; pools are bounded themselves, this is for what else may come. */
const MOST = 4_096;

export class EventTally {
  readonly #thresholds = new Map<string, [pool: string, direction: 'up' | 'down', count: number]>();
  readonly #trainings = new Map<string, [pool: string, outcome: string, count: number]>();

  thresholdChanged(pool: string, { from, to }: { readonly from: number; readonly to: number }): void {
    if (from !== to) increase(this.#thresholds, pool, to > from ? 'up' : 'down');
  }

  trained(pool: string, outcome: string): void {
    increase(this.#trainings, pool, outcome);
  }

  thresholds(): Iterable<readonly [pool: string, direction: 'up' | 'down', count: number]> {
    return this.#thresholds.values();
  }

  trainings(): Iterable<readonly [pool: string, outcome: string, count: number]> {
    return this.#trainings.values();
  }
}

function increase<T extends string>(sums: Map<string, [string, T, number]>, pool: string, what: T): void {
  const key = `${what}:${pool}`;
  const known = sums.get(key);
  if (known !== undefined) known[2] += 1;
  else if (sums.size < MOST) sums.set(key, [pool, what, 1]);
}
