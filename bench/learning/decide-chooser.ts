/** The whole decision, replayed: `decide` with the pool's policy, thresholds and cost model around it, as live traffic meets it in the adaptive stage. */
import type { Goal } from '../../src/config/types.ts';
import { decide } from '../../src/decision/decide.ts';
import type { PoolSnapshot, ResourceSnapshot } from '../../src/decision/types.ts';
import { CostModel } from '../../src/learning/cost-model.ts';
import type { ReplayChoice, ReplayChooser, ReplayRequest } from '../../src/learning/replay.ts';
import { ThresholdTuner } from '../../src/learning/threshold-tuning.ts';
import type { CostModelSnapshot, Observation } from '../../src/learning/types.ts';

interface Pool {
  readonly model: CostModel;
  readonly tuner: ThresholdTuner;
  snapshot: CostModelSnapshot;
}

const LIMITS = { minimumThreshold: 1024, maximumThreshold: 1024 * 1024 * 1024 };

export class DecideChooser implements ReplayChooser {
  readonly #goal: Goal;
  readonly #marginalBenefit: number;
  readonly #pools = new Map<string, Pool>();
  #id = 0;

  constructor(goal: Goal, marginalBenefit = 0.05) {
    this.#goal = goal;
    this.#marginalBenefit = marginalBenefit;
  }

  choose(row: ReplayRequest, random: () => number): ReplayChoice {
    const pool = this.#pool(row.pool);
    const resources: ResourceSnapshot = {
      atMs: row.atMs,
      systemLoad: row.systemLoad,
      memoryLoad: undefined,
      availableMemory: row.availableMemory,
      sharedMemoryRoom: undefined,
      eventLoopDelayUs: undefined,
    };
    const request = { ...row, sessionId: undefined, attributes: undefined };
    this.#id += 1;
    const decision = decide(request, this.#snapshot(row, pool), resources, row.atMs, random, String(this.#id));
    return {
      method: decision.method,
      propensity: decision.propensity,
      explored: decision.explored,
      grpc: pool.snapshot.estimate('grpc', row.features),
      zeroCopy: pool.snapshot.estimate('zero_copy', row.features),
    };
  }

  learn(name: string, observation: Observation): void {
    const pool = this.#pool(name);
    pool.model.learn(observation);
    pool.snapshot = pool.model.snapshot();
    pool.tuner.update({
      atMs: observation.atMs,
      costModel: pool.snapshot,
      traffic: [{ features: observation, weight: 1 }],
      pressure: { memoryLoad: undefined, systemLoad: observation.systemLoad },
    });
  }

  #snapshot(row: ReplayRequest, pool: Pool): PoolSnapshot {
    const warmBytes = row.warmBytes;
    return {
      pool: row.pool,
      mode: 'enabled',
      limits: LIMITS,
      policy: {
        version: 1,
        goal: this.#goal,
        rules: [],
        thresholdOverrides: new Map(),
        conflictOrder: ['custom_rules', 'threshold_overrides'],
        learningEnabled: true,
        explorationRate: 0.05,
        marginalBenefit: this.#marginalBenefit,
        memoryPressureThreshold: 0.8,
        cpuPressureThreshold: 0.8,
      },
      thresholds: pool.tuner.thresholds(),
      costModel: pool.snapshot,
      model: undefined,
      rolloutStage: 'adaptive',
      experiment: undefined,
      transport:
        warmBytes === undefined
          ? undefined
          : { zeroCopyReady: true, reason: undefined, warmBytes, roomBytes: Number.MAX_SAFE_INTEGER },
      breaker: 'closed',
      inFlight: row.inFlight - 1,
    };
  }

  #pool(name: string): Pool {
    let pool = this.#pools.get(name);
    if (pool === undefined) {
      const model = new CostModel();
      const tuner = new ThresholdTuner({ base: 10 * 1024 * 1024, ...LIMITS });
      pool = { model, tuner, snapshot: model.snapshot() };
      this.#pools.set(name, pool);
    }
    return pool;
  }
}
