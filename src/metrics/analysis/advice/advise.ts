/** From a pool's records to everything that could be done better. Pure, in steps of a millisecond or so. */
import { comparedBy } from '../../../decision/objective.ts';
import type { PoolSnapshot } from '../../../decision/types.ts';
import { CostModel, type CostModelOptions } from '../../../learning/cost-model.ts';
import type { ModelVersion } from '../../../learning/model-version.ts';
import type { CostModelSnapshot } from '../../../learning/types.ts';
import { toObservation } from '../../observation.ts';
import type { TransferRecord } from '../../record.ts';
import type { Steps } from '../../slices.ts';
import { arenaAdvice } from './arena.ts';
import { type Case, caseOf, STRIDE } from './cases.ts';
import { policyAdvice } from './policies.ts';
import { explorationAdvice, stageAdvice } from './settings.ts';
import type { Gain, Recommendation } from './types.ts';
import { variantAdvice } from './variants.ts';

export interface AdviceEvidence {
  readonly pool: PoolSnapshot;
  /** How far the configuration lets a model steer. */
  readonly configuredStage: 'observe' | 'confident' | 'adaptive';
  /** Of the pool, under its present policy; oldest first. */
  readonly records: readonly TransferRecord[];
  /** What a fresh cost model believes: where the pool does not learn, one is fitted to the records. */
  readonly costModel: CostModelOptions;
  readonly versions: readonly ModelVersion[];
}

/** Records without which nothing is said. */
export const LEAST_RECORDS = 200;
/** Records that a fresh cost model is fitted to: 20 µs each. */
const FITTED = 2_000;

export function* advise(evidence: AdviceEvidence): Steps<Recommendation[]> {
  const { pool, records } = evidence;
  if (records.length < LEAST_RECORDS) return [];
  const model = yield* modelOf(evidence);
  const cases = yield* casesOf(pool, model, records);
  const found = yield* policyAdvice(pool, cases);
  yield;
  found.push(...(yield* variantAdvice(pool.pool, records, unitOf(pool))));
  yield;
  const arena = yield* arenaAdvice(pool, model, records);
  const settings = [
    arena,
    explorationAdvice(pool, cases),
    stageAdvice(pool, evidence.configuredStage, evidence.versions),
  ];
  for (const each of settings) if (each !== undefined) found.push(each);
  return found;
}

export function unitOf(pool: PoolSnapshot): Gain['unit'] {
  return comparedBy(pool.policy.goal) === 'mean' ? 'share_of_total_latency' : 'share_of_typical_latency';
}

function* modelOf({ pool, records, costModel }: AdviceEvidence): Steps<CostModelSnapshot> {
  if (pool.policy.learningEnabled && pool.costModel !== undefined) return pool.costModel;
  const model = new CostModel(costModel);
  for (const [index, record] of records.slice(-FITTED).entries()) {
    const observation = toObservation(record);
    if (observation !== undefined) model.learn(observation);
    if (index % STRIDE === STRIDE - 1) yield;
  }
  return model.snapshot();
}

function* casesOf(pool: PoolSnapshot, model: CostModelSnapshot, records: readonly TransferRecord[]): Steps<Case[]> {
  const cases: Case[] = [];
  for (const [index, record] of records.entries()) {
    if (index % STRIDE === STRIDE - 1) yield;
    // What the host's own rules chose, they would choose again; and what had to go by gRPC had no choice.
    if (record.reason === 'custom_rule' || FORCED.has(record.reason) || record.fallback) continue;
    const observation = toObservation(record);
    const each = observation && caseOf(pool, model, observation, record.explored);
    if (each !== undefined) cases.push(each);
  }
  return cases;
}

const FORCED: ReadonlySet<string> = new Set([
  'disabled',
  'controller_unavailable',
  'decision_failed',
  'zero_copy_unavailable',
  'circuit_open',
  'shared_memory_exhausted',
  'invalid_request',
]);
