/**
 * `recorder`: takes finished transfers from the queue that the hot path fills, hands them to whoever learns from them, and has them stored.
 *
 *   hot path ──push──▶ RecordQueue ──"taught"──▶ threshold managers, analyzer, telemetry
 *                          └────────"stored"──▶ metrics store (waits and retries while the store is down)
 *
 * The queue is not the recorder's: it outlives a crash, and the next recorder goes on where this one stopped. The two cursors are apart
 * because learning must not wait for a disk.
 */

import type { TransferRecord } from '../metrics/record.ts';
import type { RecordQueue } from '../metrics/record-queue.ts';
import { type Call, type From, type GenServer, next, reply, type Self } from '../otp/index.ts';
import { afterSystemMessage } from './system-message.ts';

export interface RecorderArgs {
  readonly queue: RecordQueue;
  /** Hands records to those who learn from them. Must not throw. */
  readonly teach: (records: readonly TransferRecord[]) => void;
  /** Stores records; resolves when they are committed. */
  readonly store: (records: readonly TransferRecord[]) => Promise<void>;
  /** Makes what was stored durable. */
  readonly flush: () => Promise<void>;
  /** Told when storing fails, and when it works again. */
  readonly onStoreFailure: (error: unknown) => void;
  readonly onStoreRecovered: () => void;
  /** Milliseconds that records gather before they are taken: what a crash may lose. Default 50. */
  readonly batchMs?: number;
}

export interface FlushRecords extends Call<FlushOutcome> {
  readonly type: 'flush';
}
/** What a flush came to: how many records still wait because the store refused them. */
export interface FlushOutcome {
  readonly pending: number;
}
export interface RecordsWait {
  readonly type: 'records_wait';
}
export interface Drain {
  readonly type: 'drain';
}

const DEFAULT_BATCH_MS = 50;
/** Records per batch, where so many wait: one LMDB transaction of some ten milliseconds, and the throughput that the store is good for. */
const MAX_BATCH = 8192;
/** Records handed to learners at a time. */
const LESSON = 2048;
const RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;

interface State {
  readonly args: RecorderArgs;
  readonly scheduled: boolean;
  readonly retryMs: number;
}

type Recorder = GenServer<RecorderArgs, State, FlushRecords, RecordsWait, Drain>;

export const recorder: Recorder = {
  init(args, self) {
    self.trapExit(true);
    // What a predecessor left.
    self.sendAfter({ type: 'drain' }, 0);
    return next.ok({ args, scheduled: true, retryMs: RETRY_MS });
  },
  async handleCall(message, from, state, self) {
    switch (message.type) {
      case 'flush':
        return next.noreply(schedule(await flushAll(state, from), self, 0));
      default:
        return message.type satisfies never;
    }
  },
  handleCast(message, state, self) {
    switch (message.type) {
      case 'records_wait':
        if (state.scheduled) return next.noreply(state);
        self.sendAfter({ type: 'drain' }, state.args.batchMs ?? DEFAULT_BATCH_MS);
        return next.noreply({ ...state, scheduled: true });
      default:
        return message.type satisfies never;
    }
  },
  async handleInfo(message, state, self) {
    switch (message.type) {
      case 'drain': {
        const startMs = performance.now();
        const drained = await drain({ ...state, scheduled: false });
        return next.noreply(schedule(drained, self, performance.now() - startMs));
      }
      default:
        return afterSystemMessage(message, state);
    }
  },
  async terminate(reason, state) {
    // An orderly stop loses nothing; after a crash the successor takes what is left.
    if (reason === 'shutdown') await drain(state);
  },
};

/**
 * Stores what waits now, as far as the store allows. What comes meanwhile is for the next time: under steady traffic this would never end, and
 * each batch would be what a single commit let gather.
 */
async function drain(state: State): Promise<State> {
  const { args } = state;
  const { queue } = args;
  let failing = state.retryMs > RETRY_MS;
  let left = queue.pendingStore;
  for (;;) {
    teachAll(args);
    const batch = queue.peek('stored', Math.min(left, MAX_BATCH));
    if (batch.length === 0) return { ...state, retryMs: RETRY_MS };
    try {
      await args.store(batch);
    } catch (error) {
      args.onStoreFailure(error);
      return { ...state, retryMs: Math.min(state.retryMs * 2, MAX_RETRY_MS) };
    }
    queue.advance('stored', batch.length);
    left -= batch.length;
    if (failing) args.onStoreRecovered();
    failing = false;
  }
}

function teachAll({ queue, teach }: RecorderArgs): void {
  for (let taught = queue.peek('taught', LESSON); taught.length > 0; taught = queue.peek('taught', LESSON)) {
    // Advanced first: records that crash a learner must not be fed to it again.
    queue.advance('taught', taught.length);
    teach(taught);
  }
}

/**
 * The next drain, where there is something for it. After a failure the store is asked again later, and less and less often; else what came
 * meanwhile has waited for `spentMs` already.
 */
function schedule(state: State, self: Self<FlushRecords, RecordsWait, Drain>, spentMs: number): State {
  const { queue, batchMs = DEFAULT_BATCH_MS } = state.args;
  if (state.scheduled || queue.length === 0) return state;
  const gatherMs = queue.pendingStore >= MAX_BATCH ? 0 : Math.max(0, batchMs - spentMs);
  self.sendAfter({ type: 'drain' }, state.retryMs > RETRY_MS ? state.retryMs : gatherMs);
  return { ...state, scheduled: true };
}

async function flushAll(state: State, from: From<FlushOutcome>): Promise<State> {
  const { args } = state;
  const asked = args.queue.accepted;
  const drained = await drain(state);
  // Of those that were there when this was asked for; more may have come.
  const pending = Math.max(0, args.queue.pendingStore - (args.queue.accepted - asked));
  try {
    if (pending === 0) await args.flush();
    reply(from, { pending });
  } catch (error) {
    args.onStoreFailure(error);
    reply(from, { pending: 1 });
  }
  return drained;
}
