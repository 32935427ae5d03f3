/** What a training process and its host say to each other. Types only. */
import type { TrainingResult, TrainingTask } from './training-task.ts';

/** Its one argument, as JSON. */
export interface ProcessSettings {
  /** Program of the thread. */
  readonly file: string;
  /** Heap of the thread, mebibytes. */
  readonly memoryLimitMb: number;
}

/** One at a time. */
export interface ProcessRequest {
  readonly task: TrainingTask;
}

export type ProcessAnswer =
  | { readonly type: 'trained'; readonly result: TrainingResult }
  | { readonly type: 'failed'; readonly code: string | undefined; readonly message: string };
