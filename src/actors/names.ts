/** Registered names of pitwall's own actors, in one place: `runtime.whereis(name)` finds them. */

export const ACTOR = {
  metricsStore: 'metrics_store',
  recorder: 'recorder',
  resourceMonitor: 'resource_monitor',
  analyzer: 'analyzer',
  adviser: 'adviser',
  experimenter: 'experimenter',
  learner: 'learner',
  prober: 'prober',
  workerPool: 'worker_pool',
  controller: 'controller',
} as const;

const THRESHOLD_MANAGER = 'threshold_manager';

/** Each pool has a threshold manager of its own. */
export function thresholdManagerName(pool: string): string {
  return `${THRESHOLD_MANAGER}:${pool}`;
}

/** Where the store keeps what happened. */
export const OCCURRENCES = 'events';

/** Where the store keeps alerts and advice, and their names there. */
export const ADVISER_STATE = { kind: 'advice', alerts: 'alerts', advice: 'advice' } as const;

/** Where the store keeps what belongs to a pool. */
export const POOL_STATE = {
  learned: 'thresholds',
  policy: 'policies',
  model: 'models',
  baseline: 'baselines',
  experiment: 'experiments',
} as const;
