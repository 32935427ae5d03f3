/** What goes to a training thread and what comes back. Types only. */
import type { TrainingOptions, TrainingReport } from '../learning/train-model.ts';
import type { ObservationColumns } from './observation-columns.ts';

/** The thread reads the rows itself from the store, or gets them handed over. */
export type TrainingTask = TrainStored | TrainGiven;

export interface TrainStored {
  readonly type: 'train_stored';
  /** Directory of the LMDB environment. */
  readonly path: string;
  readonly pool: string;
  /** Records that are read, newest first, at most 100 000. */
  readonly limit: number;
  readonly options: TrainingOptions;
}

export interface TrainGiven {
  readonly type: 'train_given';
  readonly columns: ObservationColumns;
  readonly options: TrainingOptions;
}

export interface TrainingResult {
  /** A compiled model; its receiver checks it again before it serves. */
  readonly buffer: ArrayBuffer;
  readonly report: TrainingReport;
  /** Time in the thread, milliseconds: reading, then training. */
  readonly readMs: number;
  readonly trainMs: number;
}
