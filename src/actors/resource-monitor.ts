/**
 * `resource_monitor`: samples the machine and publishes what it saw. Readers take a sample older than 2 s as unknown, so a monitor that
 * is down, or an event loop that is stuck, means "nothing is adjusted".
 */
import type { ResourceSnapshot } from '../decision/types.ts';
import { type Call, type GenServer, next } from '../otp/index.ts';
import type { SnapshotBoard } from '../snapshots.ts';
import type { GcPause } from './resource-gc.ts';
import type { ResourceSampler } from './resource-sampler.ts';
import { afterSystemMessage } from './system-message.ts';

/** Milliseconds between samples. */
export const SAMPLE_EVERY_MS = 250;

export interface ResourceMonitorArgs {
  readonly board: SnapshotBoard;
  readonly createSampler: () => ResourceSampler;
  /** Called after each sample, for what follows the machine's state: thresholds under memory pressure, warnings, the analyzer's history. */
  readonly onSample: (sample: ResourceSnapshot, pauses: readonly GcPause[]) => void;
  readonly everyMs?: number;
}

export interface GetResources extends Call<ResourceSnapshot | undefined> {
  readonly type: 'get_resources';
}
export interface SampleNow {
  readonly type: 'sample';
}

interface State {
  readonly args: ResourceMonitorArgs;
  readonly sampler: ResourceSampler;
}

export const resourceMonitor: GenServer<ResourceMonitorArgs, State, GetResources, never, SampleNow> = {
  init(args, self) {
    self.trapExit(true);
    self.sendAfter({ type: 'sample' }, 0);
    return next.ok({ args, sampler: args.createSampler() });
  },
  handleCall: (_message, _from, state) => next.reply(state.args.board.resources, state),
  handleInfo(message, state, self) {
    switch (message.type) {
      case 'sample': {
        const sample = state.sampler.sample();
        state.args.board.resources = sample;
        state.args.onSample(sample, state.sampler.takePauses());
        self.sendAfter({ type: 'sample' }, state.args.everyMs ?? SAMPLE_EVERY_MS);
        return next.noreply(state);
      }
      default:
        return afterSystemMessage(message, state);
    }
  },
  terminate: (_reason, state) => state.sampler.stop(),
};
