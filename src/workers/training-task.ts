/** What goes to a training process and what comes back. Types only. */
import type { LearnerKind } from '../learning/second-layer.ts';
import type { TrainedLayer, TrainingOptions } from '../learning/train-model.ts';
import type { TrainingReport } from '../learning/training-report.ts';
import type { ObservationColumns } from './observation-columns.ts';

/** The process reads the rows itself from the store, or gets them handed over. */
export type TrainingTask = TrainStored | TrainGiven;

interface TrainAny {
  readonly options: TrainingOptions;
  /** The model that serves now: the new one is judged against it too. */
  readonly incumbent?: { readonly learner: LearnerKind; readonly buffer: ArrayBuffer } | undefined;
}

export interface TrainStored extends TrainAny {
  readonly type: 'train_stored';
  /** Directory of the LMDB environment. */
  readonly path: string;
  readonly pool: string;
  /** Records that are read, newest first, at most 100 000. */
  readonly limit: number;
  /** Older records are left out, Unix microseconds. Default: none. */
  readonly fromUs?: number | undefined;
}

export interface TrainGiven extends TrainAny {
  readonly type: 'train_given';
  readonly columns: ObservationColumns;
}

export type TrainingResult = Trained | TooFewSamples;

export interface Trained {
  readonly type: 'trained';
  readonly learner: LearnerKind;
  /** The model; its receiver checks it again before it serves. */
  readonly buffer: ArrayBuffer;
  readonly report: TrainingReport;
  /** The other learner's model, where two were trained: the one that was not better on held-out rows. */
  readonly runnerUp?: TrainedLayer | undefined;
  /** Time in the thread, milliseconds: reading, then training. */
  readonly readMs: number;
  readonly trainMs: number;
  /** Processor time of the process for both, milliseconds: what they would take where nothing else runs. */
  readonly cpuMs: number;
  /** Versions of what trained it, by name. */
  readonly libraries: Readonly<Record<string, string>>;
}

/** Not worth a training yet: no failure. */
export interface TooFewSamples {
  readonly type: 'too_few_samples';
  readonly samples: number;
  readonly needed: number;
}
