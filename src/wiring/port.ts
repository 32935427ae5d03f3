/** The runtime as transports and a host's own children see it. */

import type { RuntimeConfig } from '../config/types.ts';
import { PitwallError } from '../errors.ts';
import {
  deleteChild,
  describeReason,
  type SupervisorRef,
  type System,
  startChild,
  terminateChild,
} from '../otp/index.ts';
import type { PoolBuffer } from '../transports/pool-buffer.ts';
import type { ProbeOffer } from '../transports/probe-offer.ts';
import type { RuntimePort } from '../transports/runtime-port.ts';
import type { Brain } from './brain.ts';

/** What a port needs of the engine behind it. */
export interface PortHost {
  readonly config: RuntimeConfig;
  readonly system: System;
  readonly brain: Brain;
  /** Who hands out each pool's memory. */
  readonly memory: Map<string, (bytes: number) => PoolBuffer>;
  /** Who offers to carry probes, by pool. */
  readonly probes: Map<string, ProbeOffer>;
  /** The supervisor of hosted children; undefined once it is gone. */
  readonly hosted: SupervisorRef | undefined;
}

export function createPort(host: PortHost): RuntimePort {
  const { config, system, brain } = host;
  return {
    system,
    logger: config.logger,
    sharedMemoryDir: config.sharedMemoryDir,
    sharedMemoryLimit: config.sharedMemoryLimit,
    nowMs: () => system.clock.now(),
    transfer: (request, data, lanes, options) => brain.transfers.run(request, data, lanes, options),
    async startChild(spec) {
      const supervisor = running(host);
      const result = await startChild(supervisor, spec);
      if (result.type === 'ok' && result.ref !== undefined) return result.ref;
      // A spec whose start failed stays with its supervisor in some states; the next try must find the id free.
      await deleteChild(supervisor, spec.id);
      const reason = result.type === 'error' ? result.reason : 'its start was ignored';
      throw new PitwallError(
        'PITWALL_CHILD_NOT_STARTED',
        `child ${spec.id} could not be started: ${describeReason(reason)}`,
        {
          cause: reason,
        },
      );
    },
    async stopChild(id) {
      const supervisor = host.hosted;
      if (!supervisor) return;
      await terminateChild(supervisor, id);
      await deleteChild(supervisor, id);
    },
    publishMemory(pool, allocate) {
      if (allocate) host.memory.set(pool, allocate);
      else host.memory.delete(pool);
    },
    publishProbes(pool, offer) {
      if (offer) host.probes.set(pool, offer);
      else host.probes.delete(pool);
    },
    publishTransport(pool, transport) {
      brain.admission.admit(pool).slot.transport = transport;
    },
  };
}

function running(host: PortHost): SupervisorRef {
  if (host.hosted) return host.hosted;
  throw new PitwallError(
    'PITWALL_RUNTIME_STOPPED',
    'the runtime has stopped, or its supervisor for hosted children gave up',
  );
}
