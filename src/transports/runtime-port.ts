/** What a worker pool needs of the runtime it belongs to. The runtime implements it; `transports/` knows no more of it. */
import type { Logger } from '../config/types.ts';
import type { TransportSnapshot } from '../decision/types.ts';
import type { ChildSpecInput, Parent, ServerRef } from '../otp/index.ts';
import type { Lanes } from './lane.ts';
import type { PoolBuffer } from './pool-buffer.ts';
import type { ProbeOffer } from './probe-offer.ts';

export interface RuntimePort {
  /** The OTP system that hosted children live in. */
  readonly system: Parent;
  readonly logger: Logger;
  /** Directory for shared memory that has a name, such as `/dev/shm`. */
  readonly sharedMemoryDir: string;
  /** Bytes that shared memory of this runtime may take; undefined: as much as the machine has. */
  readonly sharedMemoryLimit: number | undefined;
  readonly nowMs: () => number;
  /** The whole loop of one transfer: decide, move, measure, record, fall back. */
  transfer<D, T>(
    request: object,
    data: D,
    lanes: Lanes<D, T>,
    options: { readonly signal?: AbortSignal | undefined },
  ): Promise<T>;
  /**
   * Starts a child below the runtime's supervisor for hosted children.
   * @throws PitwallError `PITWALL_CHILD_NOT_STARTED` with the reason; `PITWALL_RUNTIME_STOPPED` after shutdown
   */
  startChild(spec: ChildSpecInput): Promise<ServerRef>;
  /** Stops a hosted child and forgets its spec. Resolves also when there is none. */
  stopChild(id: string): Promise<void>;
  /** Publishes who hands out the pool's memory; undefined when the pool is gone. */
  publishMemory(pool: string, allocate: ((bytes: number) => PoolBuffer) | undefined): void;
  /** Publishes what the pool's zero-copy lane can do; undefined when the pool is gone. */
  publishTransport(pool: string, transport: TransportSnapshot | undefined): void;
  /** Offers both lanes for probes in idle time; undefined takes it back. Optional: a runtime may have no use for them. */
  publishProbes?(pool: string, offer: ProbeOffer | undefined): void;
}
