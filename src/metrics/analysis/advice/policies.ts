/** Which change of a pool's policy would have served its recorded transfers better. Pure: cases in, recommendations out, in steps. */
import { comparedBy } from '../../../decision/objective.ts';
import type { Method, PoolSnapshot, Threshold } from '../../../decision/types.ts';
import type { Steps } from '../../slices.ts';
import { percent, spaced } from '../words.ts';
import { type Case, confidenceIn, costOf, GainSum, laneUnder, STRIDE, settledPool } from './cases.ts';
import { bestThreshold } from './cut.ts';
import type { AdviceChange, AdviceKind, Gain, Recommendation } from './types.ts';

const MEBIBYTE = 2 ** 20;
/** A change that moves fewer transfers is not worth a line. */
const LEAST_CHANGED = 20;

interface Proposal {
  readonly kind: AdviceKind;
  readonly subject: string;
  readonly title: string;
  readonly change: AdviceChange;
  /** The pool as it would be. */
  readonly proposed: PoolSnapshot;
  /** What following the estimates costs in trials, as a share; subtracted from the gain. */
  readonly price?: number;
}

/**
 * @param pool as it is; a pool that is switched off, or that saves memory at the price of time, gets no advice about time
 * @param cases recorded under its present policy
 */
export function* policyAdvice(pool: PoolSnapshot, cases: readonly Case[]): Steps<Recommendation[]> {
  if (pool.mode === 'disabled' || pool.policy.goal === 'minimize_memory') return [];
  const now = settledPool(pool);
  const present = yield* lanes(now, cases);
  const found: Recommendation[] = [];
  for (const proposal of [
    ...overrides(now, cases),
    ...base(now, cases),
    ...bounds(now, cases, present),
    ...learning(now),
  ]) {
    const better = yield* weigh(pool, proposal, cases, present);
    if (better !== undefined) found.push(better);
  }
  return best(found);
}

function* lanes(pool: PoolSnapshot, cases: readonly Case[]): Steps<Method[]> {
  const taken: Method[] = [];
  for (const each of cases) {
    taken.push(laneUnder(pool, each));
    if (taken.length % STRIDE === 0) yield;
  }
  return taken;
}

function* weigh(
  pool: PoolSnapshot,
  { proposed, change, price = 0, ...said }: Proposal,
  cases: readonly Case[],
  present: readonly Method[],
): Steps<Recommendation | undefined> {
  const statistic = comparedBy(pool.policy.goal);
  const sum = new GainSum(statistic);
  const taken = yield* lanes(proposed, cases);
  for (const [index, each] of cases.entries()) sum.add(each, present[index] ?? 'grpc', taken[index] ?? 'grpc');
  if (sum.changed < LEAST_CHANGED) return undefined;
  const gross = sum.gain();
  const gain: Gain = {
    ...gross,
    value: gross.value - price,
    interval: [gross.interval[0] - price, gross.interval[1] - price],
  };
  return {
    ...said,
    pool: pool.pool,
    why: evidence(cases, present, taken, gain),
    expectedGain: gain,
    effort: 'none',
    confidence: confidenceIn(gain, sum.samples),
    snippet: snippetOf(pool, change),
    change,
    transfers: cases.length,
  };
}

/** E.g. `1 203 of the last 5 000 transfers would take gRPC instead of zero-copy: 3.1 ms instead of 5.2 ms on average`. */
function evidence(
  cases: readonly Case[],
  present: readonly Method[],
  then: readonly Method[],
  { interval }: Gain,
): string {
  const parts: string[] = [];
  for (const [from, to] of [['zero_copy', 'grpc'] as const, ['grpc', 'zero_copy'] as const]) {
    const moved = cases.filter((_, index) => present[index] === from && then[index] === to);
    if (moved.length === 0) continue;
    const mean = (lane: Method): string => ms(moved.reduce((sum, each) => sum + costOf(each, lane), 0) / moved.length);
    parts.push(
      `${spaced(moved.length)} of the last ${spaced(cases.length)} transfers would go by ${LANES[to]} instead of ${LANES[from]}: ${mean(to)} instead of ${mean(from)} each, by what was learned`,
    );
  }
  return `${parts.join('; ')}. Between ${percent(interval[0])} and ${percent(interval[1])} with 95 % certainty.`;
}

const LANES = { grpc: 'gRPC', zero_copy: 'zero-copy' } as const;

function ms(us: number): string {
  return `${(us / 1000).toPrecision(3)} ms`;
}

/** A fixed threshold of a data type that its transfers would rather do without, or have elsewhere. */
function* overrides(pool: PoolSnapshot, cases: readonly Case[]): Generator<Proposal> {
  for (const [dataType, bytes] of pool.policy.thresholdOverrides) {
    const own = cases.filter(({ observation }) => observation.dataType === dataType);
    if (own.length < LEAST_CHANGED) continue;
    const without = new Map(pool.policy.thresholdOverrides);
    without.delete(dataType);
    if (pool.policy.learningEnabled && pool.mode === 'enabled') {
      yield {
        kind: 'threshold',
        subject: dataType,
        title: `let what was learned decide about ${dataType}, instead of the fixed ${mb(bytes)} MiB`,
        change: { type: 'override', dataType, thresholdMb: null },
        proposed: { ...pool, policy: { ...pool.policy, thresholdOverrides: without } },
      };
    }
    const cut = bestThreshold(own);
    yield {
      kind: 'threshold',
      subject: dataType,
      title: `fix the threshold of ${dataType} at ${mb(cut)} MiB instead of ${mb(bytes)} MiB`,
      change: { type: 'override', dataType, thresholdMb: mb(cut) },
      proposed: {
        ...pool,
        policy: { ...pool.policy, thresholdOverrides: new Map(without).set(dataType, mb(cut) * MEBIBYTE) },
      },
    };
  }
}

/** Where nothing is learned, the configured threshold decides. */
function* base(pool: PoolSnapshot, cases: readonly Case[]): Generator<Proposal> {
  if (pool.policy.learningEnabled && pool.mode === 'enabled') return;
  const free = cases.filter(({ observation }) => !pool.policy.thresholdOverrides.has(observation.dataType));
  if (free.length < LEAST_CHANGED) return;
  const { minimumThreshold, maximumThreshold } = pool.limits;
  const cut = mb(Math.min(maximumThreshold, Math.max(minimumThreshold, bestThreshold(free))));
  yield {
    kind: 'threshold',
    subject: 'default',
    title: `take zero-copy from ${cut} MiB on instead of ${mb(pool.thresholds.default.base)} MiB`,
    change: { type: 'set', patch: { zeroCopyThresholdMb: cut } },
    proposed: withBase(pool, cut * MEBIBYTE),
  };
}

function withBase(pool: PoolSnapshot, bytes: number): PoolSnapshot {
  const threshold: Threshold = { base: bytes, adjustmentFactor: 1, resourceFactor: 1, final: bytes };
  return { ...pool, thresholds: { ...pool.thresholds, default: threshold, byDataType: new Map() } };
}

/** Bounds that keep payloads from being weighed at all. */
function* bounds(pool: PoolSnapshot, cases: readonly Case[], present: readonly Method[]): Generator<Proposal> {
  const { minimumThreshold, maximumThreshold } = pool.limits;
  const small = cases.filter(
    ({ observation }, index) => observation.dataSize < pool.thresholds.quickPathMinimum && present[index] === 'grpc',
  );
  if (small.length >= LEAST_CHANGED) {
    const least = mb(Math.min(minimumThreshold, bestThreshold(small)));
    const bytes = least * MEBIBYTE;
    yield {
      kind: 'bounds',
      subject: 'minimum',
      title: `weigh payloads from ${least} MiB on instead of ${mb(minimumThreshold)} MiB`,
      change: {
        type: 'set',
        patch: { minimumThresholdMb: least, ...(pool.policy.learningEnabled ? {} : { zeroCopyThresholdMb: least }) },
      },
      proposed: {
        ...withLimits(pool, { minimumThreshold: bytes, maximumThreshold }),
        thresholds: {
          ...(pool.policy.learningEnabled ? pool : withBase(pool, bytes)).thresholds,
          quickPathMinimum: bytes,
        },
      },
    };
  }
  const large = cases.filter(({ observation }) => observation.dataSize > maximumThreshold);
  if (large.length < LEAST_CHANGED) return;
  const most = mb(2 * Math.max(...large.map(({ observation }) => observation.dataSize)));
  yield {
    kind: 'bounds',
    subject: 'maximum',
    title: `weigh payloads up to ${most} MiB instead of ${mb(maximumThreshold)} MiB`,
    change: { type: 'set', patch: { maximumThresholdMb: most } },
    proposed: withLimits(pool, { minimumThreshold, maximumThreshold: most * MEBIBYTE }),
  };
}

function withLimits(pool: PoolSnapshot, limits: PoolSnapshot['limits']): PoolSnapshot {
  return { ...pool, limits };
}

/** What trials may cost where a pool learns: the budget of exploration. */
const TRIALS = 0.02;

function* learning(pool: PoolSnapshot): Generator<Proposal> {
  if (pool.policy.learningEnabled || pool.mode !== 'enabled') return;
  yield {
    kind: 'pool_setting',
    subject: 'learningEnabled',
    title: 'let the pool learn',
    change: { type: 'set', patch: { learningEnabled: true } },
    proposed: { ...pool, policy: { ...pool.policy, learningEnabled: true } },
    price: TRIALS,
  };
}

/** Of several proposals on one subject, the one that gains most; a second one must be clearly better than the one before it. */
function best(found: readonly Recommendation[]): Recommendation[] {
  const bySubject = new Map<string, Recommendation>();
  for (const each of found) {
    const key = `${each.kind} ${each.subject}`;
    const known = bySubject.get(key);
    if (known === undefined || each.expectedGain.value > known.expectedGain.value + CLEARLY) bySubject.set(key, each);
  }
  return [...bySubject.values()];
}

const CLEARLY = 0.01;

/** Two digits: nobody configures 3.873 MiB. */
function mb(bytes: number): number {
  return Math.max(0.001, Number((bytes / MEBIBYTE).toPrecision(2)));
}

function snippetOf(pool: PoolSnapshot, change: AdviceChange): string {
  const patch =
    change.type === 'set'
      ? change.patch
      : { thresholdOverridesMb: overridesAfter(pool.policy.thresholdOverrides, change) };
  return `await runtime.updatePolicy(${JSON.stringify(pool.pool)}, ${JSON.stringify(patch)});`;
}

/** The overrides of a policy patch after a change: a patch replaces them as a whole. */
export function overridesAfter(
  present: ReadonlyMap<string, number>,
  { dataType, thresholdMb }: Extract<AdviceChange, { type: 'override' }>,
): Record<string, number> {
  const after = new Map([...present].map(([type, bytes]) => [type, bytes / MEBIBYTE]));
  if (thresholdMb === null) after.delete(dataType);
  else after.set(dataType, thresholdMb);
  return Object.fromEntries(after);
}
