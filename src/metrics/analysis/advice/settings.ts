/** Settings of a pool that its own records tell against: trials that cost more than they teach, a model that may not steer. Pure. */
import { comparedBy } from '../../../decision/objective.ts';
import type { PoolSnapshot } from '../../../decision/types.ts';
import type { ModelVersion } from '../../../learning/model-version.ts';
import { percent, spaced } from '../words.ts';
import { type Case, confidenceIn, GainSum } from './cases.ts';
import type { Gain, Recommendation } from './types.ts';

const LEAST = 20;
const LOWEST_RATE = 0.01;
const Z95 = 1.959964;

/** Trials of the other lane that went surely wrong: a quarter of them, at least the floor that estimates of other policies need. */
export function explorationAdvice(pool: PoolSnapshot, cases: readonly Case[]): Recommendation | undefined {
  const { explorationRate, goal } = pool.policy;
  const rate = Math.max(LOWEST_RATE, explorationRate / 4);
  if (rate >= explorationRate) return undefined;
  const sum = new GainSum(comparedBy(goal));
  for (const each of cases) {
    const { method } = each.observation;
    const other = method === 'grpc' ? 'zero_copy' : 'grpc';
    sum.add(each, method, each.explored ? other : method);
  }
  if (sum.changed < LEAST) return undefined;
  const kept = 1 - rate / explorationRate;
  const all = sum.gain();
  const gain: Gain = { ...all, value: kept * all.value, interval: [kept * all.interval[0], kept * all.interval[1]] };
  return {
    kind: 'pool_setting',
    pool: pool.pool,
    subject: 'explorationRate',
    title: `try the other lane in ${percent(rate)} of transfers instead of ${percent(explorationRate)}`,
    why: `${spaced(sum.changed)} of the last ${spaced(cases.length)} transfers tried the other lane, which cost ${percent(all.value)} of the time; what they teach is known by now.`,
    expectedGain: gain,
    effort: 'none',
    confidence: confidenceIn(gain, sum.samples),
    snippet: `await runtime.updatePolicy(${JSON.stringify(pool.pool)}, { explorationRate: ${rate} });`,
    change: { type: 'set', patch: { explorationRate: rate } },
    transfers: cases.length,
  };
}

/** A trained model that was better on rows that it had not seen, in a pool whose configuration keeps it from steering. */
export function stageAdvice(
  pool: PoolSnapshot,
  configured: 'observe' | 'confident' | 'adaptive',
  versions: readonly ModelVersion[],
): Recommendation | undefined {
  const newest = versions.findLast(({ outcome }) => outcome === 'published');
  if (newest === undefined || configured !== 'observe') return undefined;
  const { difference, standardError, rows } = newest.scores.heldOut;
  const reach = Z95 * standardError;
  const mean = comparedBy(pool.policy.goal) === 'mean';
  const gain: Gain = {
    value: -difference,
    interval: [-difference - reach, -difference + reach],
    unit: mean ? 'share_of_total_latency' : 'share_of_typical_latency',
  };
  return {
    kind: 'pool_setting',
    pool: pool.pool,
    subject: 'rolloutStage',
    title: `let the trained model steer (${newest.modelId})`,
    why: `on ${spaced(rows)} recorded transfers that it was not trained on, following it was estimated to cost ${percent(gain.value)} less than the cost model alone; the configured stage "observe" keeps it from deciding. It climbs step by step, and is sent back if it becomes worse.`,
    expectedGain: gain,
    effort: 'none',
    confidence: confidenceIn(gain, rows),
    snippet: `await runtime.updatePolicy(${JSON.stringify(pool.pool)}, { rolloutStage: 'adaptive' });`,
    change: { type: 'set', patch: { rolloutStage: 'adaptive' } },
    transfers: rows,
  };
}
