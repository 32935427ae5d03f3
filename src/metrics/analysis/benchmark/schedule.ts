/** In which order a benchmark visits its configurations. Pure. */
import { seededRandom } from '../../../learning/random.ts';
import type { BenchmarkPlan, Visit } from './types.ts';

/**
 * Every configuration by every lane once a round, each round in an order of its own. A machine that gets slower, or busier, on the way does so to all
 * alike, and no configuration always follows the same other: a randomized complete block design (R. A. Fisher, "The Design of Experiments", 1935), its
 * blocks the rounds.
 */
export function* schedule(plan: BenchmarkPlan, cells: number): Generator<Visit, void, void> {
  const random = seededRandom(plan.seed);
  for (let round = -plan.warmUp; round < plan.repetitions; round += 1) {
    const visits: Visit[] = [];
    for (let cell = 0; cell < cells; cell += 1) for (const lane of plan.lanes) visits.push({ cell, lane, round });
    yield* shuffled(visits, random);
  }
}

/** Fisher and Yates's shuffle, as Durstenfeld wrote it; of a copy. */
function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const order = [...values];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const chosen = Math.floor(random() * (last + 1));
    const [a, b] = [order[last], order[chosen]];
    if (a === undefined || b === undefined) continue;
    order[last] = b;
    order[chosen] = a;
  }
  return order;
}
