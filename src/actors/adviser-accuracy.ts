/** Predictions that have become worse than they were: the typical error of a lane's predictions against what it has been. */
import { median } from '../metrics/analysis/robust.ts';
import { laneName, percent } from '../metrics/analysis/words.ts';
import type { TransferRecord } from '../metrics/record.ts';
import type { AlertContent } from './adviser-alerts.ts';

/** Predicted transfers of a lane that are looked at together. */
const BLOCK = 128;
/** Blocks from which what is usual is known. */
const BLOCKS_TO_KNOW = 8;
/** Times the usual error, in two blocks one after the other, that is told; and from which it is over. */
const WORSE = 2;
const OVER = 1.5;
/** Errors below this matter to nobody. */
const MATERIAL = 0.2;
const MAX_LANES = 1_024;

interface Lane {
  readonly errors: number[];
  readonly first: number[];
  usual: number | undefined;
  /** Blocks in a row that said otherwise than what is told. */
  against: number;
  active: boolean;
}

export interface AccuracyNews {
  readonly raised: readonly AlertContent[];
  readonly resolved: readonly string[];
}

export class AccuracyWatch {
  readonly #lanes = new Map<string, Lane>();

  /** Takes finished transfers; of those, the ones that had a prediction and succeeded. */
  observe(records: readonly TransferRecord[]): AccuracyNews {
    const raised: AlertContent[] = [];
    const resolved: string[] = [];
    for (const { pool, method, outcome, latencyUs, predictedLatencyUs } of records) {
      if (outcome !== 'success' || predictedLatencyUs === undefined || !(predictedLatencyUs > 0)) continue;
      const key = keyOf(pool, method);
      const lane = this.#lane(key);
      lane.errors.push(Math.abs(Math.log(latencyUs / predictedLatencyUs)));
      if (lane.errors.length < BLOCK) continue;
      const now = median(lane.errors.splice(0));
      const usual = learnUsual(lane, now);
      if (usual === undefined || !turned(lane, now, usual)) continue;
      if (lane.active) raised.push(describe(key, pool, method, now, usual));
      else resolved.push(key);
    }
    return { raised, resolved };
  }

  /** Whether enough was seen of a lane's predictions to know what is usual: before that they are still being learned. */
  knows(pool: string, method: string): boolean {
    return this.#lanes.get(keyOf(pool, method))?.usual !== undefined;
  }

  #lane(key: string): Lane {
    const known = this.#lanes.get(key);
    if (known) return known;
    const fresh: Lane = { errors: [], first: [], usual: undefined, against: 0, active: false };
    this.#lanes.set(key, fresh);
    const oldest = this.#lanes.size > MAX_LANES ? this.#lanes.keys().next().value : undefined;
    if (oldest !== undefined) this.#lanes.delete(oldest);
    return fresh;
  }
}

function keyOf(pool: string, method: string): string {
  return `prediction_accuracy:${pool}:${method}`;
}

/** Follows what becomes better quickly and what becomes worse slowly: a loss of accuracy must not become what is usual before it was told. */
function learnUsual(lane: Lane, now: number): number | undefined {
  const { usual } = lane;
  if (usual !== undefined) {
    if (!lane.active) lane.usual = usual + (now < usual ? 0.3 : 0.02) * (now - usual);
    return usual;
  }
  lane.first.push(now);
  if (lane.first.length >= BLOCKS_TO_KNOW) lane.usual = median(lane.first);
  return undefined;
}

/** Whether this block is the second in a row that says otherwise than what is told; then that changes. */
function turned(lane: Lane, now: number, usual: number): boolean {
  const worse = now > Math.max(MATERIAL, WORSE * usual);
  const over = now < Math.max(MATERIAL, OVER * usual);
  lane.against = (lane.active ? over : worse) ? lane.against + 1 : 0;
  if (lane.against < 2) return false;
  lane.against = 0;
  lane.active = !lane.active;
  return true;
}

function describe(key: string, pool: string, method: string, now: number, usual: number): AlertContent {
  const [is, was] = [Math.expm1(now), Math.expm1(usual)];
  return {
    key,
    kind: 'prediction_accuracy',
    severity: 'warning',
    pool,
    message: `pool ${pool}: predictions of ${laneName(method)} are off by ${percent(is)} in half of the transfers, ${percent(was)} is usual. Decisions may take the slower lane until the models have followed.`,
    comparison: { method, medianErrorNow: is, medianErrorUsual: was, transfers: 2 * BLOCK },
    likelyCause: 'the machine or the traffic has changed faster than the models follow',
    lookAt:
      'runtime.analyzer.timeline() for what happened, runtime.learning.detectDrift; runtime.learning.trainModel trains at once',
  };
}
