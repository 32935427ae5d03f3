/** Whether a larger arena would pay: transfers that found no room, or cold memory, in shared memory that is too small. Pure. */
import { comparedBy } from '../../../decision/objective.ts';
import type { PoolSnapshot } from '../../../decision/types.ts';
import type { CostModelSnapshot } from '../../../learning/types.ts';
import { toObservation } from '../../observation.ts';
import type { TransferRecord } from '../../record.ts';
import type { Steps } from '../../slices.ts';
import { percent, spaced } from '../words.ts';
import { caseOf, confidenceIn, GainSum, STRIDE } from './cases.ts';
import type { Recommendation } from './types.ts';

const LEAST = 20;
/** Transfers of the largest size that should fit at a time. */
const AT_A_TIME = 4;

/** @param pool with an arena of pitwall's: a host's own lanes say nothing of theirs */
export function* arenaAdvice(
  pool: PoolSnapshot,
  model: CostModelSnapshot,
  records: readonly TransferRecord[],
): Steps<Recommendation | undefined> {
  if (pool.transport === undefined) return undefined;
  const sum = new GainSum(comparedBy(pool.policy.goal));
  let refused = 0;
  let largest = 0;
  for (const [index, record] of records.entries()) {
    if (index % STRIDE === STRIDE - 1) yield;
    const observation = toObservation(record);
    if (observation === undefined) continue;
    const without = record.reason === 'shared_memory_exhausted';
    const each = caseOf(pool, model, without ? { ...observation, warm: true } : observation, false);
    if (each === undefined) continue;
    if (without) {
      refused += 1;
      largest = Math.max(largest, observation.dataSize);
    }
    // Where zero-copy would be no quicker, room would not be used.
    const to = without && each.zeroCopyUs < each.grpcUs ? 'zero_copy' : observation.method;
    sum.add(each, observation.method, to);
  }
  if (refused < LEAST || sum.changed < LEAST) return undefined;
  const gain = sum.gain();
  const mebibytes = 2 ** Math.ceil(Math.log2((AT_A_TIME * largest) / 2 ** 20));
  return {
    kind: 'pool_setting',
    pool: pool.pool,
    subject: 'arenaBytes',
    title: `give the pool ${mebibytes} MiB of shared memory`,
    why: `${spaced(refused)} of the last ${spaced(records.length)} transfers found no room in shared memory and went by gRPC; ${spaced(sum.changed)} of them would have been quicker there, the largest has ${(largest / 1e6).toPrecision(3)} MB. Between ${percent(gain.interval[0])} and ${percent(gain.interval[1])} with 95 % certainty.`,
    expectedGain: gain,
    effort: 'config',
    confidence: confidenceIn(gain, sum.samples),
    snippet: `await startWorkerPool(runtime, { pool: ${JSON.stringify(pool.pool)}, arenaBytes: ${mebibytes} * 2 ** 20, script });`,
    change: undefined,
    transfers: records.length,
  };
}
