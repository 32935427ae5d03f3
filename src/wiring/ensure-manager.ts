/** Each pool has a threshold manager, started on demand. */
import type { Destinations } from '../actors/destinations.ts';
import type { RuntimeConfig } from '../config/types.ts';
import {
  type DynamicSupervisorRef,
  describeReason,
  named,
  type ServerRef,
  type SupervisorCall,
  type SupervisorRef,
  type System,
  startInstance,
} from '../otp/index.ts';
import { POOLS_NAME } from '../supervisors/tree.ts';

export interface ManagerWiring {
  readonly system: System;
  readonly config: RuntimeConfig;
  readonly destinations: Destinations;
}

/** Starts the pool's threshold manager unless it runs. Never rejects. */
export async function ensureManager({ system, config, destinations }: ManagerWiring, pool: string): Promise<void> {
  if (destinations.thresholdManager(pool).whereis()?.alive) return;
  const pools: DynamicSupervisorRef<[pool: string]> | undefined = named<SupervisorCall, CastOf<SupervisorRef>>(
    system,
    POOLS_NAME,
  ).whereis();
  if (!pools) return; // it is being restarted; the controller looks again in a second
  try {
    const result = await startInstance(pools, pool);
    if (result.type === 'error' && !isAlreadyStarted(result.reason)) {
      config.logger.warn(`pool ${pool}: no threshold manager: ${describeReason(result.reason)}`);
    }
  } catch (error) {
    config.logger.warn(`pool ${pool}: no threshold manager: ${describeReason(error)}`);
  }
}

/** The casts that a ref's process takes. */
type CastOf<Ref> = Ref extends ServerRef<infer _C, infer K, infer _I> ? K : never;

function isAlreadyStarted(reason: unknown): boolean {
  return typeof reason === 'object' && reason !== null && 'type' in reason && reason.type === 'already_started';
}
