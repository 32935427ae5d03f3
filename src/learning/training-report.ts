/** What is told of a training: from what, and how good it was on rows that nothing was fitted on. Types only. */
import type { Contest, HeldOutScore } from './held-out.ts';
import type { LearnerKind } from './second-layer.ts';

export interface TrainingReport {
  readonly rows: number;
  /** Time of the first and of the last row, milliseconds since the epoch. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly seed: number;
  /** Of the trees; of the network, 0. */
  readonly trees: { readonly grpc: number; readonly zeroCopy: number };
  /** Of the network: rows that it saw, and epochs that it kept. */
  readonly network?: { readonly rows: number; readonly epochs: number };
  /** By lane. */
  readonly validation: { readonly grpc: LaneErrors; readonly zeroCopy: LaneErrors };
  /** On rows that it was not fitted on. */
  readonly heldOut: HeldOutScore;
  /** On the same rows, which are later than any that it was trained on, where a model serves already. */
  readonly incumbent?: IncumbentScore;
  /** Where another learner was trained on the same rows. */
  readonly rival?: RivalScore;
}

export interface IncumbentScore {
  /** The new model against it. */
  readonly challenged: Contest;
  /** It against the cost model alone. */
  readonly alone: Contest;
}

export interface RivalScore {
  readonly learner: LearnerKind;
  /** This one against the other, on the same held-out rows. */
  readonly challenged: Contest;
}

/** Mean absolute log error that early stopping saw: cost model alone, and with what was trained. */
export interface LaneErrors {
  readonly costModel: number;
  readonly withModel: number;
}
