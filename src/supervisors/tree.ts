/**
 * pitwall's own tree, and nothing else:
 *
 *   pitwall                      one_for_one
 *   ├── storage                  rest_for_one   metrics_store -> recorder
 *   ├── resource_monitor
 *   ├── pools                    dynamic        threshold_manager per pool
 *   ├── analysis                 rest_for_one   analyzer -> adviser -> experimenter
 *   ├── learning                 rest_for_one   worker_pool -> learner -> prober
 *   └── controller
 *
 * What a host adds (worker pools, actors of its own) stands beside it, below `pitwall_hosted`: a brain that gives up must not take the
 * lanes with it, for then nothing could carry the payload any more.
 */
import { type AdviserArgs, adviser } from '../actors/adviser.ts';
import { type AnalyzerArgs, analyzer } from '../actors/analyzer.ts';
import { type ControllerArgs, controller } from '../actors/controller.ts';
import { experimenter } from '../actors/experimenter.ts';
import type { ExperimenterArgs } from '../actors/experimenter-state.ts';
import { learner } from '../actors/learner.ts';
import type { LearnerArgs } from '../actors/learner-messages.ts';
import { type MetricsStoreArgs, metricsStore } from '../actors/metrics-store.ts';
import { ACTOR, thresholdManagerName } from '../actors/names.ts';
import { type ProberArgs, prober } from '../actors/prober.ts';
import { type RecorderArgs, recorder } from '../actors/recorder.ts';
import { type ResourceMonitorArgs, resourceMonitor } from '../actors/resource-monitor.ts';
import { type ThresholdManagerArgs, thresholdManager } from '../actors/threshold-manager.ts';
import { type TrainingPoolArgs, trainingPool } from '../actors/training-pool.ts';
import {
  type ChildSpecInput,
  dynamicSupervisorSpec,
  type SupervisorFlags,
  startGenServer,
  supervisorSpec,
  workerSpec,
} from '../otp/index.ts';

export interface TreeArgs {
  readonly metricsStore: MetricsStoreArgs;
  readonly recorder: RecorderArgs;
  readonly resourceMonitor: ResourceMonitorArgs;
  readonly thresholdManager: (pool: string) => ThresholdManagerArgs;
  readonly analyzer: AnalyzerArgs;
  readonly adviser: AdviserArgs;
  readonly experimenter: ExperimenterArgs;
  readonly trainingPool: TrainingPoolArgs;
  readonly learner: LearnerArgs;
  readonly prober: ProberArgs;
  readonly controller: ControllerArgs;
}

/**
 * Crashes that a part survives before it is given up: generous, since the hot path goes on meanwhile, and small enough that a part which
 * cannot start is found out within seconds.
 */
const PART: SupervisorFlags = { strategy: 'rest_for_one', intensity: 10, period: 10 };
/** Many pools share one supervisor: one that crashes in a loop must not take the others along at once. */
const POOLS: SupervisorFlags = { intensity: 100, period: 10 };
export const ROOT: SupervisorFlags = { strategy: 'one_for_one', intensity: 10, period: 10 };
/** Worker processes die for reasons of their own; what a host adds has its own supervisors below this one. */
export const HOSTED: SupervisorFlags = { strategy: 'one_for_one', intensity: 20, period: 10 };

export const ROOT_NAME = 'pitwall';
export const HOSTED_NAME = 'pitwall_hosted';
export const POOLS_NAME = 'pools';

/** Time that the recorder and the store have to write what they hold, milliseconds. */
const WRITE_OUT_MS = 10_000;

/** The children of the root, in start order. */
export function pitwallTree(args: TreeArgs): readonly ChildSpecInput[] {
  return [
    supervisorSpec(
      'storage',
      PART,
      [
        storeSpec(args),
        workerSpec(ACTOR.recorder, recorder, args.recorder, { register: ACTOR.recorder, shutdown: WRITE_OUT_MS }),
      ],
      { register: 'storage' },
    ),
    workerSpec(ACTOR.resourceMonitor, resourceMonitor, args.resourceMonitor, { register: ACTOR.resourceMonitor }),
    poolsSpec(args),
    supervisorSpec(
      'analysis',
      PART,
      [
        workerSpec(ACTOR.analyzer, analyzer, args.analyzer, { register: ACTOR.analyzer }),
        workerSpec(ACTOR.adviser, adviser, args.adviser, { register: ACTOR.adviser }),
        workerSpec(ACTOR.experimenter, experimenter, args.experimenter, { register: ACTOR.experimenter }),
      ],
      { register: 'analysis' },
    ),
    learningSpec(args),
    workerSpec(ACTOR.controller, controller, args.controller, { register: ACTOR.controller }),
  ];
}

/**
 * What decides and learns, and nothing that samples this machine or keeps time by itself: a replay plays the recorder and the resource
 * monitor, so that equal seeds give equal results.
 */
export function replayTree(args: TreeArgs): readonly ChildSpecInput[] {
  return [
    storeSpec(args),
    poolsSpec(args),
    learningSpec(args),
    workerSpec(ACTOR.controller, controller, args.controller, { register: ACTOR.controller }),
  ];
}

function storeSpec(args: TreeArgs): ChildSpecInput {
  return workerSpec(ACTOR.metricsStore, metricsStore, args.metricsStore, {
    register: ACTOR.metricsStore,
    shutdown: WRITE_OUT_MS,
  });
}

function poolsSpec(args: TreeArgs): ChildSpecInput {
  return dynamicSupervisorSpec(
    POOLS_NAME,
    POOLS,
    {
      id: 'threshold_manager',
      start: (parent, pool: string) =>
        startGenServer(parent, thresholdManager, args.thresholdManager(pool), { register: thresholdManagerName(pool) }),
    },
    { register: POOLS_NAME },
  );
}

function learningSpec(args: TreeArgs): ChildSpecInput {
  return supervisorSpec(
    'learning',
    PART,
    [
      workerSpec(ACTOR.workerPool, trainingPool, args.trainingPool, { register: ACTOR.workerPool }),
      workerSpec(ACTOR.learner, learner, args.learner, { register: ACTOR.learner }),
      workerSpec(ACTOR.prober, prober, args.prober, { register: ACTOR.prober }),
    ],
    { register: 'learning' },
  );
}
