/**
 * What would another policy have done with recorded transfers? Each record is decided twice, under the policy in force and under the candidate, with what
 * the pool knows today: what differs is the candidate's doing alone.
 *
 * The effect is the paired difference of both policies' doubly robust values (off-policy.ts), row by row
 *
 *   [estimate under the candidate - estimate under the policy in force] + (p' - p) / propensity * (latency - estimate of the lane taken)
 *
 * where p', p are the probabilities of the lane that was taken. A transfer that both decide alike adds exactly nothing, so that the interval is that of
 * the difference and not of the traffic.
 */
import type { PolicyChange } from '../../../config/diff.ts';
import type { DecisionReason, Method, PoolMetrics, PoolSnapshot } from '../../../decision/types.ts';
import type { TransferRecord } from '../../record.ts';
import { sizeBand } from '../../size-band.ts';
import { RecentPerformance } from '../recent-performance.ts';
import { type EffectRow, effectRow } from './effect-row.ts';
import { KindTally } from './kinds.ts';
import { decideAgain, replayable, type SkipReason, skipReason } from './replay.ts';

export interface DryRunInput {
  /** The pool as it is; its rules guarded, as they will be called. */
  readonly current: PoolSnapshot;
  readonly candidate: PoolSnapshot;
  readonly changes: readonly PolicyChange[];
}

const BATCH = 32;

export class DryRun {
  readonly current: PoolSnapshot;
  readonly candidate: PoolSnapshot;
  readonly changes: readonly PolicyChange[];
  readonly rows: EffectRow[] = [];
  readonly skipped = new Map<SkipReason, number>();
  readonly reasons = new Map<DecisionReason, number>();
  readonly kinds = new KindTally();
  records = 0;
  replayed = 0;
  toZeroCopy = 0;
  toGrpc = 0;
  measurable = 0;
  forced = 0;
  agreed = 0;
  comparable = 0;
  fromMs: number | undefined = undefined;
  toMs: number | undefined = undefined;
  /** Recorded decisions that used what no record holds. */
  memoryPressure = 0;
  readonly #performance = new RecentPerformance();
  readonly #rulesRead: boolean;
  #metrics: PoolMetrics | undefined = undefined;

  constructor({ current, candidate, changes }: DryRunInput) {
    this.current = replayable(current);
    this.candidate = replayable(candidate);
    this.changes = changes;
    this.#rulesRead = current.policy.rules.length + candidate.policy.rules.length > 0;
  }

  /** Takes the next record; they come in order of time. */
  add(record: TransferRecord): void {
    const atMs = record.timestampUs / 1000;
    this.records += 1;
    this.fromMs = Math.min(this.fromMs ?? atMs, atMs);
    this.toMs = Math.max(this.toMs ?? atMs, atMs);
    const skip = skipReason(record);
    if (skip === undefined) this.#replay(record);
    else this.skipped.set(skip, (this.skipped.get(skip) ?? 0) + 1);
    if (!this.#rulesRead) return;
    this.#performance.add(record);
    // Rules see it a batch behind; ranking latencies for each record would be most of the work.
    if (this.records % BATCH === 0) this.#metrics = this.#performance.snapshot();
  }

  #replay(record: TransferRecord): void {
    const now = decideAgain(record, this.current, this.#metrics);
    const then = decideAgain(record, this.candidate, this.#metrics);
    this.replayed += 1;
    this.reasons.set(then.reason, (this.reasons.get(then.reason) ?? 0) + 1);
    if (record.reason === 'memory_pressure') this.memoryPressure += 1;
    if (!record.explored) {
      this.comparable += 1;
      if (record.method === now.method) this.agreed += 1;
    }
    const changed = now.method === then.method ? undefined : then.method;
    const drawn = record.propensity < 1;
    if (changed !== undefined) this.#count(changed, drawn);
    const row = effectRow(record, now, then, this.current);
    if (row !== undefined) this.rows.push(row);
    this.kinds.add(record.dataType, sizeBand(record.dataSize), changed, drawn, row);
  }

  #count(changed: Method, drawn: boolean): void {
    if (changed === 'zero_copy') this.toZeroCopy += 1;
    else this.toGrpc += 1;
    if (drawn) this.measurable += 1;
    else this.forced += 1;
  }
}
