/** What the runtime counts anyway, as telemetry reads it when metrics are collected. */
import type { AlertTable } from '../actors/adviser-alerts.ts';
import type { RolloutStage } from '../decision/types.ts';
import type { ProcessTree, System } from '../otp/index.ts';
import type { TelemetrySource } from '../telemetry/source.ts';
import type { Brain } from './brain.ts';
import type { Notices } from './notices.ts';
import type { Webhook } from './webhook.ts';

export interface CountedRuntime {
  readonly brain: Brain;
  readonly alertTable: AlertTable;
  readonly webhook: Webhook | undefined;
  readonly notices: Notices;
  readonly system: System;
  /** Bytes of the store's file. */
  readonly storeSize: number | undefined;
  status(): { readonly state: string };
  tree(): ProcessTree;
}

export function telemetrySource(runtime: CountedRuntime): TelemetrySource {
  return {
    decisions(observe) {
      for (const { slot, counters } of runtime.brain.admission.pools()) {
        for (const [key, count] of counters.byLane()) observe(slot.pool, key.method, key.reason, count);
      }
    },
    thresholds(observe) {
      for (const { pool, thresholds } of runtime.brain.board.slots()) {
        observe(pool, 'default', thresholds.default.final);
        for (const [dataType, threshold] of thresholds.byDataType) observe(pool, dataType, threshold.final);
      }
    },
    mailboxes: (observe) => eachProcess(runtime.tree(), (node) => observe(node.name, node.mailboxLength)),
    restarts(observe) {
      eachProcess(runtime.tree(), (node) => {
        for (const child of node.children) observe(node.name, child.id, child.restarts);
      });
    },
    dropped(observe) {
      const { queue, refusals } = runtime.brain;
      observe('queue_full', queue.dropped);
      observe('unmatched', refusals.unmatchedRecords);
      observe('invalid', refusals.invalidRecords);
    },
    alerts(observe) {
      for (const { kind, severity, active } of runtime.alertTable.tally()) observe(kind, severity, active);
    },
    webhook(observe) {
      const { webhook } = runtime;
      if (webhook === undefined) return;
      for (const [outcome, count] of Object.entries(webhook.counts)) observe(outcome, count);
    },
    costModel: (pool) => runtime.brain.board.slot(pool)?.costModel,
    pools(observe) {
      for (const { slot, counters } of runtime.brain.admission.pools()) {
        observe(slot.pool, {
          explorations: counters.explored,
          inFlight: slot.inFlight,
          circuitOpen: slot.breaker !== 'closed',
          modelStage: slot.model === undefined ? 0 : STAGES.indexOf(slot.rolloutStage),
        });
      }
    },
    thresholdAdjustments(observe) {
      for (const [pool, direction, count] of runtime.notices.tally.thresholds()) observe(pool, direction, count);
    },
    trainings(observe) {
      for (const [pool, outcome, count] of runtime.notices.tally.trainings()) observe(pool, outcome, count);
    },
    machine() {
      const { brain, system, storeSize } = runtime;
      return {
        degraded: runtime.status().state === 'degraded',
        actorsMs: system.scheduler.busyMs,
        recordsWaiting: brain.queue.pendingStore,
        storeSize,
        systemLoad: undefined,
        memoryLoad: undefined,
        eventLoopDelayUs: undefined,
        sharedMemoryRoom: undefined,
        ...brain.board.resources,
      };
    },
  };
}

/** As `pitwall.model.stage` counts them. */
const STAGES: readonly RolloutStage[] = ['observe', 'confident', 'adaptive'];

function eachProcess(node: ProcessTree, visit: (node: ProcessTree) => void): void {
  visit(node);
  for (const child of node.children) eachProcess(child, visit);
}
