/** What the runtime counts anyway, as telemetry reads it when metrics are collected. */
import type { AlertTable } from '../actors/adviser-alerts.ts';
import type { ProcessTree } from '../otp/index.ts';
import type { TelemetrySource } from '../telemetry/source.ts';
import type { Brain } from './brain.ts';
import type { Webhook } from './webhook.ts';

export interface CountedRuntime {
  readonly brain: Brain;
  readonly alertTable: AlertTable;
  readonly webhook: Webhook | undefined;
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
  };
}

function eachProcess(node: ProcessTree, visit: (node: ProcessTree) => void): void {
  visit(node);
  for (const child of node.children) eachProcess(child, visit);
}
