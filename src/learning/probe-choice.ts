/**
 * Which recorded transfer is worth trying in the other lane while nothing else happens, and what that trial says. A probe carries the payload to a command
 * that does nothing, so neither lane's time is comparable with a real transfer's, whose handler works; their difference is:
 *
 *   the other lane would have taken   recorded + (probe of the other lane - probe of the lane that was taken)
 */
import { normalCdf } from './exploration.ts';
import type { CostModelSnapshot, Lane, Observation } from './types.ts';

export interface ProbeChoice {
  readonly candidate: Observation;
  readonly other: Lane;
}

/** Probability of taking the wrong lane below which trying teaches nothing. */
const WORTH = 1e-3;

/**
 * The candidate whose lanes are most in doubt, weighed by how much hangs on it: probability that the belief is wrong, times the share that the dearer lane
 * costs more at the edge of that doubt. undefined where none is worth a trial.
 *
 * @param largest bytes of payload that may be sent
 */
export function bestProbe(
  candidates: readonly Observation[],
  learner: CostModelSnapshot,
  largest: number,
): ProbeChoice | undefined {
  let best: Observation | undefined;
  let most = WORTH;
  for (const candidate of candidates) {
    if (candidate.dataSize > largest || candidate.dataSize <= 0) continue;
    const comparison = learner.compare?.(candidate);
    if (comparison === undefined) continue;
    const { logRatio, logRatioStandardError: doubt } = comparison;
    const wrong = doubt > 0 ? normalCdf(-Math.abs(logRatio) / doubt) : 0;
    const worth = wrong * Math.min(1, doubt);
    if (worth <= most) continue;
    best = candidate;
    most = worth;
  }
  return best && { candidate: best, other: best.method === 'grpc' ? 'zero_copy' : 'grpc' };
}

/** What probes of both lanes took, microseconds, each lane's in the order of sending. */
export interface ProbedLanes {
  readonly taken: readonly number[];
  readonly other: readonly number[];
  /** Whether the zero-copy probe found warm memory. */
  readonly warm: boolean | undefined;
}

/** The transfer as the other lane would have carried it; undefined where a probe is missing. */
export function counterfactual(
  { candidate, other }: ProbeChoice,
  probed: ProbedLanes,
  atMs: number,
): Observation | undefined {
  const [otherUs, takenUs] = [least(probed.other), least(probed.taken)];
  if (otherUs === undefined || takenUs === undefined) return undefined;
  return {
    ...candidate,
    method: other,
    // No lane carries a payload in less than the probe took.
    latencyUs: Math.max(otherUs, candidate.latencyUs + otherUs - takenUs),
    warm: other === 'zero_copy' ? probed.warm : undefined,
    inFlight: 1,
    cpuTimeUs: undefined,
    atMs,
    // It was not drawn.
    propensity: 1,
  };
}

/** The quicker one: what it took beyond that was not the lane's doing. */
function least(times: readonly number[]): number | undefined {
  const usable = times.filter((us) => us > 0 && us < Number.POSITIVE_INFINITY);
  return usable.length === 0 ? undefined : Math.min(...usable);
}
