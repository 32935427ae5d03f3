/** What the network is trained for, row by row: both heads in one loss (the seed's "combined classification + regression loss"). */
import { METHOD_LOGITS } from './neural-network.ts';

/** One row's truth. */
export interface Truth {
  /** The lane that was taken: 0 gRPC, 1 zero-copy. Only its latency is known. */
  readonly lane: number;
  /** What the cost model left over of it, in robust standard deviations. */
  readonly target: number;
  readonly weight: number;
  /** The cheaper lane, and how much it matters; weight 0: nothing is known of it. */
  readonly method: number;
  readonly methodWeight: number;
}

/** Beyond so many robust deviations an error counts linearly (Huber, Annals of Mathematical Statistics 35, 1964). */
const HUBER = 1.345;

/** The loss of one row, and in `delta` its derivatives by the outputs. */
export function lossOf(output: Float64Array, truth: Truth, delta: Float64Array): number {
  delta.fill(0);
  const error = (output[truth.lane] ?? 0) - truth.target;
  const size = Math.abs(error);
  delta[truth.lane] = truth.weight * Math.max(-HUBER, Math.min(HUBER, error));
  const ofLatency = size <= HUBER ? (error * error) / 2 : HUBER * size - (HUBER * HUBER) / 2;
  const zeroCopy = zeroCopyProbabilityOf(output);
  const probability = truth.method === 1 ? zeroCopy : 1 - zeroCopy;
  delta[METHOD_LOGITS] = truth.methodWeight * (1 - zeroCopy - (truth.method === 0 ? 1 : 0));
  delta[METHOD_LOGITS + 1] = truth.methodWeight * (zeroCopy - truth.method);
  return truth.weight * ofLatency - truth.methodWeight * Math.log(Math.max(Number.MIN_VALUE, probability));
}

/** Softmax of two logits. */
export function zeroCopyProbabilityOf(output: Float64Array): number {
  return 1 / (1 + Math.exp((output[METHOD_LOGITS] ?? 0) - (output[METHOD_LOGITS + 1] ?? 0)));
}
