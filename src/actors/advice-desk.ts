/**
 * The adviser's second half: reads a pool's records now and then, keeps what could be done better, applies what is asked for, and follows what became
 * of it. Its work runs beside the adviser's messages, in slices, one pool at a time; an alert never waits for it.
 */
import type { PolicyPatch } from '../config/types.ts';
import type { CostModelOptions } from '../learning/cost-model.ts';
import type { ModelVersion } from '../learning/model-version.ts';
import type { JsonValue } from '../learning/types.ts';
import type { AdviceBook } from '../metrics/analysis/advice/advice-book.ts';
import { advise, unitOf } from '../metrics/analysis/advice/advise.ts';
import { overridesAfter } from '../metrics/analysis/advice/policies.ts';
import { ENOUGH, measured, strataOf, type TrackedAdvice } from '../metrics/analysis/advice/realized.ts';
import type { Advice, AdviceChange } from '../metrics/analysis/advice/types.ts';
import type { TransferRecord } from '../metrics/record.ts';
import { inSlices } from '../metrics/slices.ts';
import type { RecordsQuery } from '../metrics/store-types.ts';
import { type Call, type From, reply, type Self } from '../otp/index.ts';
import type { PoolSlot, SnapshotBoard } from '../snapshots.ts';
import type { PolicyOutcome } from './policy-messages.ts';

export interface GetAdvice extends Call<readonly Advice[]> {
  readonly type: 'get_advice';
  readonly pool: string | undefined;
}
/** Looks at the records now. */
export interface RefreshAdvice extends Call<readonly Advice[]> {
  readonly type: 'refresh_advice';
  readonly pool: string | undefined;
}
export interface ApplyAdvice extends Call<ApplyOutcome> {
  readonly type: 'apply_advice';
  readonly id: string;
  readonly by: string | undefined;
  readonly why: string | undefined;
}
export interface DismissAdvice extends Call<boolean> {
  readonly type: 'dismiss_advice';
  readonly id: string;
}
export interface GetTrackedAdvice extends Call<readonly TrackedAdvice[]> {
  readonly type: 'get_tracked_advice';
  readonly pool: string | undefined;
}
export type AdviceCall = GetAdvice | RefreshAdvice | ApplyAdvice | DismissAdvice | GetTrackedAdvice;
export type AdviceReply = readonly Advice[] | readonly TrackedAdvice[] | ApplyOutcome | boolean;
export type AdviceInfo = { readonly type: 'advise' };

export type ApplyOutcome =
  | { readonly type: 'ok'; readonly tracked: TrackedAdvice }
  | { readonly type: 'unknown' }
  /** It is for the host's own code or configuration. */
  | { readonly type: 'by_hand'; readonly advice: Advice }
  | { readonly type: 'refused'; readonly error: unknown };

export interface AdviceDeskArgs {
  readonly nowMs: () => number;
  readonly board: SnapshotBoard;
  /** Rejects while the store is down. */
  readonly records: (query: RecordsQuery) => Promise<readonly TransferRecord[]>;
  readonly versions: (pool: string) => Promise<readonly ModelVersion[]>;
  readonly costModel: () => CostModelOptions;
  readonly updatePolicy: (pool: string, patch: PolicyPatch, by: string, why: string) => Promise<PolicyOutcome>;
  /** Outlives a crash of the adviser, who alone writes to it. */
  readonly book: AdviceBook;
  readonly storage: {
    restore(): Promise<JsonValue | undefined>;
    persist(value: JsonValue): void;
  };
  readonly onFailed: (error: unknown) => void;
}

/** Records that are looked at: the newest of a pool. */
const LOOKED_AT = 5_000;
const WORK_EVERY_MS = 60_000;

export class AdviceDesk {
  readonly #args: AdviceDeskArgs;
  /** One piece of work after the other: two looks at once would only halve the pace of each. */
  #work: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(args: AdviceDeskArgs, self: Pick<Self<never, never, AdviceInfo>, 'sendAfter'>) {
    this.#args = args;
    this.#again = () => void self.sendAfter({ type: 'advise' }, WORK_EVERY_MS);
    this.#again();
    this.#enqueue(() => this.#restore());
  }

  readonly #again: () => void;

  /** The look of the minute, at all pools. */
  work(): void {
    this.#enqueue(async () => {
      await this.#restore();
      for (const { pool } of this.#args.board.slots()) await this.#look(pool);
      await this.#measureAll();
      this.#persist();
    });
    this.#again();
  }

  answer(message: AdviceCall, from: From<AdviceReply>): void {
    const { book } = this.#args;
    const pool = 'pool' in message ? message.pool : undefined;
    switch (message.type) {
      case 'get_advice':
        reply(from, book.list(pool));
        return;
      case 'refresh_advice':
        this.#enqueue(
          async () => {
            await this.#restore();
            for (const slot of this.#args.board.slots()) {
              if (pool === undefined || slot.pool === pool) await this.#look(slot.pool);
            }
            this.#persist();
          },
          () => reply(from, book.list(pool)),
        );
        return;
      case 'apply_advice':
        this.#enqueue(async () => reply(from, await this.#apply(message)));
        return;
      case 'dismiss_advice':
        reply(from, book.dismiss(message.id, this.#args.nowMs()));
        this.#persist();
        return;
      case 'get_tracked_advice':
        this.#enqueue(
          () => this.#measureAll(),
          () => reply(from, book.tracked(pool)),
        );
        return;
      default:
        message satisfies never;
    }
  }

  /** @param after also where the work failed */
  #enqueue(work: () => Promise<void>, after: () => void = () => undefined): void {
    if (this.#waiting >= MOST_WAITING) {
      after();
      return;
    }
    this.#waiting += 1;
    this.#work = this.#work
      .then(work)
      .catch((error: unknown) => this.#args.onFailed(error))
      .then(() => {
        this.#waiting -= 1;
        after();
      });
  }

  async #look(pool: string): Promise<void> {
    const { book, board, nowMs, costModel } = this.#args;
    const slot = board.slot(pool);
    if (slot === undefined) return;
    const records = await this.#recordsUnder(slot);
    const versions = await this.#versions(pool);
    // What is judged is the pool as it is, not as it may become meanwhile.
    const evidence = {
      pool: { ...slot },
      configuredStage: slot.config.rolloutStage,
      records,
      costModel: costModel(),
      versions,
    };
    const found = await inSlices(advise(evidence));
    if (evidence.pool.policy.version === slot.policy.version) book.found(pool, found, nowMs());
  }

  /** The newest that were decided under the policy in force, oldest first. */
  async #recordsUnder(slot: PoolSlot): Promise<readonly TransferRecord[]> {
    const { version } = slot.policy;
    const records = await this.#args.records({ pool: slot.pool, reverse: true, limit: LOOKED_AT });
    return records.filter(({ policyVersion }) => policyVersion === version).reverse();
  }

  async #versions(pool: string): Promise<readonly ModelVersion[]> {
    try {
      return await this.#args.versions(pool);
    } catch {
      return []; // the learner is down; the rest can be said
    }
  }

  async #apply({ id, by = 'advice', why }: ApplyAdvice): Promise<ApplyOutcome> {
    const { board, book, nowMs, updatePolicy } = this.#args;
    const advice = book.find(id);
    const slot = advice && board.slot(advice.pool);
    if (advice === undefined || slot === undefined) return { type: 'unknown' };
    if (advice.change === undefined) return { type: 'by_hand', advice };
    try {
      const before = strataOf(await this.#recordsUnder(slot), unitOf(slot));
      const outcome = await updatePolicy(
        advice.pool,
        patchOf(slot, advice.change),
        by,
        why ?? `advice ${id}: ${advice.title}`,
      );
      if (outcome.type === 'unknown_pool') return { type: 'unknown' };
      if (outcome.type === 'refused') return outcome;
      const tracked: TrackedAdvice = {
        advice,
        appliedAtMs: nowMs(),
        by,
        why,
        policyVersion: outcome.version.version,
        predicted: advice.expectedGain,
        realized: undefined,
        matched: 0,
        transfers: 0,
        state: 'measuring',
        harmful: false,
        before: [...before],
      };
      book.applied(tracked);
      this.#persist();
      return { type: 'ok', tracked };
    } catch (error) {
      return { type: 'refused', error };
    }
  }

  async #measureAll(): Promise<void> {
    const { book } = this.#args;
    for (const tracked of book.tracked(undefined)) {
      if (tracked.state !== 'measuring') continue;
      const { advice, appliedAtMs, policyVersion } = tracked;
      const after = await this.#args.records({
        pool: advice.pool,
        fromUs: Math.round(appliedAtMs * 1000),
        limit: 2 * ENOUGH,
      });
      const own = after.filter((record) => record.policyVersion === policyVersion);
      const superseded = (this.#args.board.slot(advice.pool)?.policy.version ?? policyVersion) !== policyVersion;
      book.update(measured(tracked, own, superseded));
    }
    this.#persist();
  }

  async #restore(): Promise<void> {
    const { book, storage } = this.#args;
    if (book.restored) return;
    try {
      book.restore(await storage.restore());
    } catch {
      // The store is down: the look of the next minute tries again, and nothing is written over what is there.
    }
  }

  #persist(): void {
    const { book, storage } = this.#args;
    if (book.restored && book.takeDirty()) storage.persist(book.toJson());
  }
}

/** Pieces of work that may wait; whoever asks beyond it gets what is known. */
const MOST_WAITING = 64;

/** The patch that a change comes to now: overrides are replaced as a whole, and another may have come since. */
function patchOf({ policy }: PoolSlot, change: AdviceChange): PolicyPatch {
  if (change.type === 'set') return change.patch;
  return { thresholdOverridesMb: overridesAfter(policy.thresholdOverrides, change) };
}
