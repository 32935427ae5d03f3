/** What probes need of whoever can carry a payload both ways. Types only, and the name of the command that workers answer without any handler. */
import type { LaneContext } from './lane.ts';

/** Workers answer it themselves: the payload is unpacked and looked at, nothing is run. */
export const PROBE_COMMAND = 'pitwall.probe';

/** What is wanted of a payload. */
export interface ProbePayload {
  readonly dataType: string;
  readonly format: string;
  readonly compression: boolean;
  /** Bytes, about. */
  readonly dataSize: number;
}

export interface ProbeContext extends LaneContext {
  readonly cell: ProbePayload & { readonly memory: 'warm' | 'cold' };
}

/** Carries a payload and does nothing with it. Where it reports `latencyUs` that counts, else the time until it resolves. */
export type ProbeLane = (payload: unknown, context: ProbeContext) => unknown;

export interface ProbeOffer {
  readonly lanes: { readonly zeroCopy: ProbeLane; readonly grpc: ProbeLane };
  /** Makes a payload; undefined: it is made up. */
  readonly payload?: ((wanted: ProbePayload) => unknown) | undefined;
  /** What probes may carry, all sends together. */
  readonly bytesPerMinute: number;
}
