import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Interval, Moments, meanInterval } from '../../src/learning/confidence-sequence.ts';
import { LiveEvidence, type StageEvidence } from '../../src/learning/live-evidence.ts';
import {
  advance,
  ceilingOf,
  enter,
  LEVEL_CONFIDENCES,
  LEVELS,
  levelOf,
  lowerStage,
  RECENT_ROWS,
  type RolloutState,
  SINCE_STEP_ROWS,
  type Stage,
} from '../../src/learning/rollout.ts';
import type { Lane, LaneComparison, LatencyEstimate, Observation } from '../../src/learning/types.ts';
import { FEATURES, normal, seededRandom } from './synthetic.ts';

const STAGES: readonly Stage[] = ['observe', 'confident', 'adaptive'];
const stages = fc.constantFrom(...STAGES);
const states = fc.record({ level: fc.integer({ min: 0, max: 5 }), demotions: fc.integer({ min: 0, max: 10 }) });
const intervals: fc.Arbitrary<Interval> = fc
  .tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([mean, reach]) => ({ mean, low: mean - reach, high: mean + reach }));
const evidences: fc.Arbitrary<StageEvidence> = fc
  .record({ rows: fc.integer({ min: 0, max: 20_000 }), served: intervals, accuracy: intervals })
  .map(({ rows, served, accuracy }) => ({ rows, disagreement: 0.1, accuracy, at: () => served }));

function always(interval: Interval, rows = 10_000, accuracy: Interval = { mean: 0, low: -0.01, high: 0.01 }) {
  const evidence: StageEvidence = { rows, disagreement: 0.1, accuracy, at: () => interval };
  return { sinceStep: evidence, recent: evidence };
}
const BETTER: Interval = { mean: -0.05, low: -0.07, high: -0.03 };
const LEVEL: Interval = { mean: 0, low: -0.005, high: 0.005 };
const WORSE: Interval = { mean: 0.05, low: 0.03, high: 0.07 };
const ANYTHING: Interval = { mean: 0, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

describe('the steps of a rollout', () => {
  test('never above the configured stage, one step up at a time, and down to the rules alone', () => {
    fc.assert(
      fc.property(states, stages, evidences, evidences, (state, ceiling, sinceStep, recent) => {
        const move = advance(state, ceiling, { sinceStep, recent });
        if (move === undefined) {
          expect(state.level).toBeLessThanOrEqual(ceilingOf(ceiling));
          return;
        }
        const { level } = move.state;
        expect(level).toBeLessThanOrEqual(ceilingOf(ceiling));
        expect(move.step.from).toStrictEqual(levelOf(state));
        expect(move.step.to).toStrictEqual(levelOf(move.state));
        if (move.step.direction === 'up') expect(level).toBe(state.level + 1);
        else expect(move.step.cause === 'ceiling' ? level : 0).toBe(level);
        expect(move.step.evidence).not.toBe('');
      }),
    );
  });

  test('what is surely worse now goes back, whatever was good before', () => {
    fc.assert(
      fc.property(states, evidences, (state, sinceStep) => {
        fc.pre(state.level > 0);
        const move = advance(state, 'adaptive', { sinceStep, recent: always(WORSE).recent });
        expect(move?.state).toStrictEqual({ level: 0, demotions: state.demotions + 1 });
        expect(move?.step.cause).toBe('live_worse');
      }),
    );
  });

  test('nothing moves on nothing', () => {
    fc.assert(
      fc.property(states, (state) => {
        expect(advance(state, 'adaptive', always(ANYTHING, 0, ANYTHING))).toBeUndefined();
        expect(advance(state, 'adaptive', always(ANYTHING, 50_000, ANYTHING))).toBeUndefined();
      }),
    );
  });

  test('climbs from published to adaptive, and asks for less confidence with each step', () => {
    let { state, step } = enter('adaptive', 'held_out', 'better by 3 %');
    expect(step).toMatchObject({ to: { stage: 'confident', requiredConfidence: 0.9 }, cause: 'held_out' });
    const asked = [];
    for (
      let move = advance(state, 'adaptive', always(BETTER));
      move;
      move = advance(state, 'adaptive', always(BETTER))
    ) {
      asked.push(move.step.to.requiredConfidence);
      state = move.state;
    }
    expect(asked).toStrictEqual([0.8, 0.7, 0.6, 0.5]);
    expect(levelOf(state).stage).toBe('adaptive');
  });

  test('a step that does no harm is taken; from the rules it must be better', () => {
    expect(advance({ level: 1, demotions: 0 }, 'adaptive', always(LEVEL))?.step.cause).toBe('live_no_worse');
    expect(advance({ level: 0, demotions: 1 }, 'adaptive', always(LEVEL))).toBeUndefined();
    expect(advance({ level: 0, demotions: 1 }, 'adaptive', always(BETTER))?.step.cause).toBe('live_better');
  });

  test('each way back doubles what must be shown', () => {
    const needed = [0, 1, 2, 3, 9].map((demotions) => {
      const state = { level: 0, demotions };
      const enough = (rows: number): boolean => advance(state, 'adaptive', always(BETTER, rows)) !== undefined;
      let rows = 1;
      while (!enough(rows)) rows += 1;
      return rows;
    });
    expect(needed).toStrictEqual([200, 400, 800, 1600, 8000]);
  });

  test('less accurate than the cost model: back, and no step up', () => {
    const wrong: Interval = { mean: 0.05, low: 0.03, high: 0.07 };
    expect(advance({ level: 3, demotions: 0 }, 'adaptive', always(BETTER, 10_000, wrong))?.step.cause).toBe(
      'less_accurate',
    );
    expect(advance({ level: 0, demotions: 0 }, 'adaptive', always(BETTER, 10_000, wrong))).toBeUndefined();
  });

  test('a lowered configuration holds at once; observe keeps every model from steering', () => {
    expect(advance({ level: 5, demotions: 0 }, 'confident', always(BETTER))?.state.level).toBe(4);
    expect(advance({ level: 5, demotions: 0 }, 'observe', always(BETTER))?.step).toMatchObject({ cause: 'ceiling' });
    expect(enter('observe', 'held_out', 'better')).toStrictEqual({
      state: { level: 0, demotions: 0 },
      step: undefined,
    });
    expect(lowerStage('adaptive', 'confident')).toBe('confident');
  });

  test('a successor goes on where the model stood that it beat', () => {
    expect(enter('adaptive', 'held_out', '', { level: 4, demotions: 0 })).toStrictEqual({
      state: { level: 4, demotions: 0 },
      step: undefined,
    });
    expect(enter('adaptive', 'held_out', '', { level: 0, demotions: 3 }).state).toStrictEqual({
      level: 1,
      demotions: 0,
    });
  });

  test('confidences are those of the levels', () => {
    expect(LEVEL_CONFIDENCES).toStrictEqual(LEVELS.slice(1).map((level) => level.requiredConfidence));
  });
});

describe('an interval that holds at every look', () => {
  test('misses its mean in fewer runs than it says, looked at after every row', () => {
    const alpha = 0.05;
    const random = seededRandom(1);
    let missed = 0;
    for (let run = 0; run < 150; run += 1) {
      const moments = new Moments();
      for (let row = 0; row < 2_000; row += 1) {
        // Mostly nothing, now and then much: as differences between two choosers are.
        moments.add(random() < 0.1 ? 2 * normal(random) : 0);
        const { low, high } = meanInterval(moments, { alpha });
        if (low <= 0 && high >= 0) continue;
        missed += 1;
        break;
      }
    }
    expect(missed / 150).toBeLessThan(2 * alpha);
  });

  test('says nothing of a handful, and narrows', () => {
    const moments = new Moments();
    const widths = [];
    for (let row = 0; row < 10_000; row += 1) {
      moments.add(row % 2);
      if (row === 10 || row === 400 || row === 9_999) {
        const { low, high } = meanInterval(moments, { alpha: 0.01 });
        widths.push(high - low);
      }
    }
    expect(widths[0]).toBe(Number.POSITIVE_INFINITY);
    expect(widths[1]).toBeLessThan(0.2);
    expect(widths[2]).toBeLessThan((widths[1] ?? 0) / 3);
  });
});

/** gRPC costs `grpcUs`, zero-copy `zeroCopyUs`; each chooser believes what it believes. */
interface World {
  readonly truth: Readonly<Record<Lane, number>>;
  readonly rules: Readonly<Record<Lane, number>>;
  readonly layer: Readonly<Record<Lane, number>>;
}

function comparison(believed: Readonly<Record<Lane, number>>): LaneComparison {
  const of = (latencyUs: number): LatencyEstimate => ({
    latencyUs,
    meanLatencyUs: latencyUs * 1.05,
    standardError: 0.05,
    intervalUs: undefined,
    effectiveSamples: 100,
  });
  const logRatio = Math.log(believed.grpc / believed.zero_copy);
  return { grpc: of(believed.grpc), zeroCopy: of(believed.zero_copy), logRatio, logRatioStandardError: 0.07 };
}

/** One transfer: by the lane that is believed to be faster, by the other one with a probability of 5 %. */
function sent(truth: World['truth'], believed: World['truth'], row: number, random: () => number): Observation {
  const greedy: Lane = believed.grpc > believed.zero_copy ? 'zero_copy' : 'grpc';
  const explored = random() < 0.05;
  const method: Lane = explored === (greedy === 'grpc') ? 'zero_copy' : 'grpc';
  const latencyUs = truth[method] * Math.exp(0.3 * normal(random));
  const propensity = explored ? 0.05 : 0.95;
  return { ...FEATURES, method, latencyUs, cpuTimeUs: undefined, atMs: row, propensity };
}

/** Rows as a pool logs them. */
function live(
  world: (random: () => number) => World,
  rows: number,
  seed: number,
  serves: 'rules' | 'layer',
  statistic: 'median' | 'mean',
) {
  const random = seededRandom(seed);
  const evidence = new LiveEvidence(statistic, LEVEL_CONFIDENCES);
  for (let row = 0; row < rows; row += 1) {
    const { truth, rules, layer } = world(random);
    const observation = sent(truth, serves === 'rules' ? rules : layer, row, random);
    evidence.add(observation, comparison(rules), comparison(layer));
  }
  return evidence;
}

/** In a third of the rows zero-copy is 30 % faster, which the layer knows and the rules do not. */
const LAYER_KNOWS = (random: () => number): World => {
  const rules = { grpc: 1_000, zero_copy: 1_100 };
  const truth = random() < 0.33 ? { grpc: 1_000, zero_copy: 700 } : rules;
  return { truth, rules, layer: truth };
};
/** The layer is wrong in the same way. */
const LAYER_ERRS = (random: () => number): World => {
  const truth = { grpc: 1_000, zero_copy: 1_400 };
  return { truth, rules: truth, layer: random() < 0.33 ? { grpc: 1_000, zero_copy: 700 } : truth };
};

describe.each(['median', 'mean'] as const)('live evidence by %s', (statistic) => {
  test.each(['rules', 'layer'] as const)(
    'estimates what following the layer is worth, while the %s serve',
    (serves) => {
      const better = live(LAYER_KNOWS, 8_000, 1, serves, statistic).at(0.5);
      const truth = statistic === 'median' ? 0.33 * Math.log(0.7) : (0.33 * 700 + 0.67 * 1_000) / 1_000 - 1;
      expect(Math.abs(better.mean - truth)).toBeLessThan(0.06);
      expect(better.high).toBeLessThan(0);
      expect(live(LAYER_ERRS, 8_000, 2, serves, statistic).at(0.5).low).toBeGreaterThan(0);
    },
  );

  test('less confidence, more followed: 0.9 follows a part of what 0.5 does', () => {
    const torn = (random: () => number): World => {
      const rules = { grpc: 1_000, zero_copy: 1_100 };
      const layer = random() < 0.5 ? { grpc: 1_000, zero_copy: 970 } : { grpc: 1_000, zero_copy: 700 };
      return { truth: layer, rules, layer };
    };
    const evidence = live(torn, 4_000, 3, 'rules', statistic);
    expect(evidence.at(0.9).mean).toBeGreaterThan(evidence.at(0.5).mean);
    expect(evidence.disagreement).toBe(1);
  });

  test('rows whose lane was not drawn say nothing of the other lane, only of accuracy', () => {
    const evidence = new LiveEvidence(statistic, LEVEL_CONFIDENCES);
    const forced = {
      ...FEATURES,
      method: 'grpc' as const,
      latencyUs: 900,
      cpuTimeUs: undefined,
      atMs: 0,
      propensity: 1,
    };
    for (let row = 0; row < 100; row += 1) {
      evidence.add(forced, comparison({ grpc: 1_000, zero_copy: 1_100 }), comparison({ grpc: 900, zero_copy: 700 }));
    }
    expect(evidence.rows).toBe(0);
    expect(evidence.errorRows).toBe(100);
    expect(evidence.accuracy.mean).toBeCloseTo(-Math.abs(Math.log(0.9)), 12);
  });
});

describe('evidence and steps together', () => {
  const climb = (world: (random: () => number) => World, seed: number, rows: number) => {
    let state: RolloutState = enter('adaptive', 'held_out', 'better').state;
    const random = seededRandom(seed);
    let demotedAt: number | undefined;
    const evidence = () => new LiveEvidence('median', LEVEL_CONFIDENCES);
    let [sinceStep, recent] = [evidence(), evidence()];
    for (let row = 0; row < rows; row += 1) {
      const { truth, rules, layer } = world(random);
      const served = comparison(layer);
      const follow = state.level > 0;
      const seen = sent(truth, follow ? layer : rules, row, random);
      for (const each of [sinceStep, recent]) each.add(seen, comparison(rules), served);
      if (sinceStep.errorRows >= SINCE_STEP_ROWS) sinceStep = evidence();
      if (recent.errorRows >= RECENT_ROWS) recent = evidence();
      const move = advance(state, 'adaptive', { sinceStep, recent });
      if (move === undefined) continue;
      state = move.state;
      if (move.step.direction === 'down') demotedAt ??= row;
      [sinceStep, recent] = [evidence(), evidence()];
    }
    return { state, demotedAt };
  };

  test('a model that knows more becomes adaptive; one that errs is sent back within some hundred rows', () => {
    for (const seed of [1, 2]) {
      expect(levelOf(climb(LAYER_KNOWS, seed, 8_000).state).stage).toBe('adaptive');
      const { state, demotedAt } = climb(LAYER_ERRS, seed, 3_000);
      expect(state).toMatchObject({ level: 0, demotions: 1 });
      expect(demotedAt).toBeLessThan(1_500);
    }
  });

  test('calm: one that is as good as the rules is not sent back', () => {
    // Where they differ, both lanes take equally long.
    const even = (random: () => number): World => {
      const rules = { grpc: 1_000, zero_copy: 1_030 };
      const layer = random() < 0.3 ? { grpc: 1_000, zero_copy: 970 } : rules;
      return { truth: { grpc: 1_000, zero_copy: 1_000 }, rules, layer };
    };
    const demoted = Array.from({ length: 10 }, (_, seed) => climb(even, 100 + seed, 3_000).demotedAt);
    expect(demoted.filter((at) => at !== undefined).length).toBeLessThanOrEqual(1);
  });
});
