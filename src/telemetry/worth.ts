/** Sums of what decisions were worth, by pool, since the runtime started. */
import type { CostModelSnapshot } from '../learning/types.ts';
import type { TransferRecord } from '../metrics/record.ts';
import { inHindsight, type Strategy, type Verdict } from './hindsight.ts';
import { OTHER } from './names.ts';

interface PoolWorth {
  readonly verdicts: Map<Verdict, number>;
  readonly seconds: Map<Strategy, number>;
}

/** Pools with sums of their own; more are summed under `other`. */
const MOST_POOLS = 1_024;

export class Worth {
  readonly #pools = new Map<string, PoolWorth>();
  /** What is known of a pool's lanes; undefined: nothing is judged yet. */
  costModelOf: ((pool: string) => CostModelSnapshot | undefined) | undefined;
  /** Of recorded decisions, in seconds. */
  decisionSeconds = 0;
  /** What feeding the metrics has taken, in seconds. */
  feedingSeconds = 0;

  add(records: readonly TransferRecord[]): void {
    for (const record of records) {
      this.decisionSeconds += record.decisionTimeUs / 1e6;
      if (record.explored || this.costModelOf === undefined) continue;
      const hindsight = inHindsight(record, this.costModelOf(record.pool));
      if (hindsight === undefined) continue;
      const { verdicts, seconds } = this.#pool(record.pool);
      increase(verdicts, hindsight.verdict, 1);
      if (hindsight.seconds === undefined) continue;
      increase(seconds, 'pitwall', hindsight.seconds.pitwall);
      increase(seconds, 'always_grpc', hindsight.seconds.always_grpc);
      increase(seconds, 'always_zero_copy', hindsight.seconds.always_zero_copy);
    }
  }

  *verdicts(): Generator<[pool: string, verdict: Verdict, count: number]> {
    for (const [pool, { verdicts }] of this.#pools)
      for (const [verdict, count] of verdicts) yield [pool, verdict, count];
  }

  *seconds(): Generator<[pool: string, strategy: Strategy, seconds: number]> {
    for (const [pool, { seconds }] of this.#pools) for (const [strategy, sum] of seconds) yield [pool, strategy, sum];
  }

  #pool(name: string): PoolWorth {
    const known = this.#pools.get(name);
    if (known !== undefined) return known;
    if (this.#pools.size >= MOST_POOLS && name !== OTHER) return this.#pool(OTHER);
    const fresh: PoolWorth = { verdicts: new Map(), seconds: new Map() };
    this.#pools.set(name, fresh);
    return fresh;
  }
}

function increase<K>(sums: Map<K, number>, key: K, by: number): void {
  sums.set(key, (sums.get(key) ?? 0) + by);
}
