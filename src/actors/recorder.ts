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
/** Records per batch: one LMDB transaction of a few milliseconds. */
const BATCH = 2048;
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
  async handleCall(message, from, state) {
    switch (message.type) {
      case 'flush':
        return next.noreply(await flushAll(state, from));
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
      case 'drain':
        return next.noreply(schedule(await drain(state), self));
      default:
        return afterSystemMessage(message, state);
    }
  },
  async terminate(reason, state) {
    // An orderly stop loses nothing; after a crash the successor takes what is left.
    if (reason === 'shutdown') await drain(state);
  },
};

/** Empties the queue as far as the store allows. Ends with nothing left for either cursor, or with a store that refused. */
async function drain(state: State): Promise<State> {
  const { queue, store, onStoreFailure, onStoreRecovered } = state.args;
  for (;;) {
    teachAll(state.args);
    const batch = queue.peek('stored', BATCH);
    if (batch.length === 0) return { ...state, scheduled: false, retryMs: RETRY_MS };
    try {
      await store(batch);
    } catch (error) {
      onStoreFailure(error);
      return { ...state, scheduled: false, retryMs: Math.min(state.retryMs * 2, MAX_RETRY_MS) };
    }
    queue.advance('stored', batch.length);
    if (state.retryMs > RETRY_MS) onStoreRecovered();
  }
}

function teachAll({ queue, teach }: RecorderArgs): void {
  for (let taught = queue.peek('taught', BATCH); taught.length > 0; taught = queue.peek('taught', BATCH)) {
    // Advanced first: records that crash a learner must not be fed to it again.
    queue.advance('taught', taught.length);
    teach(taught);
  }
}

/** After a failure the store is asked again later, and less and less often. */
function schedule(state: State, self: Self<FlushRecords, RecordsWait, Drain>): State {
  if (state.args.queue.pendingStore === 0) return state;
  self.sendAfter({ type: 'drain' }, state.retryMs > RETRY_MS ? state.retryMs : 0);
  return { ...state, scheduled: true };
}

async function flushAll(state: State, from: From<FlushOutcome>): Promise<State> {
  const drained = await drain(state);
  const pending = state.args.queue.pendingStore;
  try {
    if (pending === 0) await state.args.flush();
  } catch (error) {
    state.args.onStoreFailure(error);
    reply(from, { pending: Math.max(1, pending) });
    return { ...drained, scheduled: state.scheduled };
  }
  reply(from, { pending });
  return { ...drained, scheduled: state.scheduled };
}
