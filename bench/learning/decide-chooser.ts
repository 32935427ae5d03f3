/** `decide` around the cost model, without the runtime: quick enough to compare variants of the learner; no trees. */
import { decide } from '../../src/decision/decide.ts';
import type { PoolSnapshot } from '../../src/decision/types.ts';
import type { CostModelOptions } from '../../src/learning/cost-model.ts';
import type { ReplayChoice, ReplayChooser, ReplayRequest } from '../../src/learning/replay.ts';
import type { Observation } from '../../src/learning/types.ts';
import { PoolModels } from './pool-models.ts';

const MIB = 2 ** 20;
/** 0.001 MiB. */
const MINIMUM = 1049;
const START_MS = Date.UTC(2026, 0, 1);

export class DecideChooser implements ReplayChooser {
  readonly #goal: 'minimize_latency' | 'maximize_throughput';
  readonly #models: PoolModels;
  #count = 0;

  constructor(goal: 'minimize_latency' | 'maximize_throughput', options: CostModelOptions = {}) {
    this.#goal = goal;
    this.#models = new PoolModels(options);
  }

  choose(row: ReplayRequest, random: () => number): ReplayChoice {
    const costModel = this.#models.snapshot(row.pool);
    const nowMs = START_MS + row.atMs;
    const snapshot: PoolSnapshot = {
      pool: row.pool,
      mode: 'enabled',
      limits: { minimumThreshold: MINIMUM, maximumThreshold: 1024 * MIB },
      policy: {
        version: 1,
        goal: this.#goal,
        rules: [],
        thresholdOverrides: new Map(),
        conflictOrder: ['custom_rules', 'threshold_overrides'],
        learningEnabled: true,
        explorationRate: 0.05,
        marginalBenefit: 0.05,
        memoryPressureThreshold: 0.8,
        cpuPressureThreshold: 0.8,
      },
      thresholds: {
        default: { base: 10 * MIB, adjustmentFactor: 1, resourceFactor: 1, final: 10 * MIB },
        byDataType: new Map(),
        quickPathMinimum: MINIMUM,
      },
      costModel,
      model: undefined,
      rolloutStage: 'observe',
      experiment: undefined,
      transport:
        row.warmBytes === undefined
          ? undefined
          : { zeroCopyReady: true, reason: undefined, warmBytes: row.warmBytes, roomBytes: 2 ** 50 },
      breaker: 'closed',
      inFlight: row.inFlight - 1,
    };
    const resources = {
      atMs: nowMs,
      systemLoad: row.systemLoad,
      availableMemory: row.availableMemory,
      memoryLoad: undefined,
      sharedMemoryRoom: undefined,
      eventLoopDelayUs: undefined,
    };
    this.#count += 1;
    const decision = decide(
      { ...row, sessionId: undefined, attributes: undefined },
      snapshot,
      resources,
      nowMs,
      random,
      String(this.#count),
    );
    const { features } = row;
    const { method, propensity, explored } = decision;
    return {
      method,
      propensity,
      explored,
      grpc: costModel.estimate('grpc', features),
      zeroCopy: costModel.estimate('zero_copy', features),
    };
  }

  learn(pool: string, observation: Observation): void {
    this.#models.learn(pool, observation);
  }
}
