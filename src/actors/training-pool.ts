/** `worker_pool`: owns the training processes. What goes wrong in one costs that training; what goes wrong here, the processes too. */
import { type Call, describeReason, type From, type GenServer, next, reply } from '../otp/index.ts';
import { TrainingPool, type TrainingPoolStatus } from '../workers/training-pool.ts';
import type { TrainingResult, TrainingTask } from '../workers/training-task.ts';
import { afterSystemMessage } from './system-message.ts';

export interface TrainingPoolArgs {
  readonly nowMs: () => number;
}

export interface Train extends Call<TrainOutcome> {
  readonly type: 'train';
  readonly task: TrainingTask;
}
export interface GetTrainingStatus extends Call<TrainingPoolStatus> {
  readonly type: 'get_training_status';
}
/** Gives up every training that runs or waits: `failed` with PITWALL_TRAINING_CANCELLED. */
export interface CancelTrainings {
  readonly type: 'cancel_trainings';
}
export type TrainOutcome =
  | { readonly type: 'ok'; readonly result: TrainingResult }
  | { readonly type: 'failed'; readonly error: unknown };

interface State {
  readonly pool: TrainingPool;
  /** Of the trainings that run or wait. */
  readonly cancellation: AbortController;
}

export const trainingPool: GenServer<TrainingPoolArgs, State, Train | GetTrainingStatus, CancelTrainings> = {
  init(args, self) {
    self.trapExit(true);
    return next.ok({ pool: new TrainingPool({ nowMs: args.nowMs }), cancellation: new AbortController() });
  },
  handleCall(message, from, state) {
    switch (message.type) {
      case 'train':
        // A training takes seconds: the answer comes later, and questions are answered meanwhile.
        answerLater(from, state.pool.train(message.task, { signal: state.cancellation.signal }));
        return next.noreply(state);
      case 'get_training_status':
        return next.reply(state.pool.status, state);
      default:
        return message satisfies never;
    }
  },
  handleCast(_message, state) {
    state.cancellation.abort();
    return next.noreply({ ...state, cancellation: new AbortController() });
  },
  handleInfo: afterSystemMessage,
  terminate: (_reason, state) => state.pool.close(),
};

function answerLater(from: From<TrainOutcome>, training: Promise<TrainingResult>): void {
  training.then(
    (result) => reply(from, { type: 'ok', result }),
    (error) => reply(from, { type: 'failed', error }),
  );
}

/** A failed training's reason, in words. */
export function describeFailure(error: unknown): string {
  return error instanceof Error && 'code' in error ? `${String(error.code)}: ${error.message}` : describeReason(error);
}
