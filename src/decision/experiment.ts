/** Step 7, first half: the variant of a running A/B experiment may change the lane. */
import type { ExperimentSnapshot, Method, TransferRequest } from './types.ts';

export interface VariantChoice {
  readonly variant: string;
  /** The lane after the variant had its say. */
  readonly method: Method;
}

/**
 * The variant that the request belongs to: the session's, so that it sticks; drawn where there is no session. A variant that names no lane leaves
 * the one that the flow chose.
 */
export function applyExperiment(
  experiment: ExperimentSnapshot,
  request: TransferRequest,
  chosen: Method,
  random: number,
): VariantChoice {
  const variant = experiment.assign(request.sessionId, random);
  const method = experiment.method(variant, chosen, request);
  return { variant, method: method === 'grpc' || method === 'zero_copy' ? method : chosen };
}
