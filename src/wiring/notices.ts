/**
 * What happened, said where operators look: the log, the adviser's alerts, the host's listeners. Everything here is called from inside
 * something that must go on, so nothing here throws.
 */
import type { Alert, AlertContent } from '../actors/adviser.ts';
import type { Destinations } from '../actors/destinations.ts';
import type { TrainingOutcome } from '../actors/learner.ts';
import type { Timeline } from '../actors/timeline.ts';
import { describeFailure } from '../actors/training-pool.ts';
import type { Logger } from '../config/types.ts';
import type { DriftAlarm } from '../learning/drift.ts';
import type { ThresholdChange } from '../learning/threshold-tuning.ts';
import { cast, describeReason, type SupervisorReport } from '../otp/index.ts';

/** What a host may listen to. */
export type RuntimeEvent =
  | { readonly type: 'supervisor_report'; readonly report: SupervisorReport }
  | { readonly type: 'alert_raised'; readonly alert: Alert }
  | { readonly type: 'alert_resolved'; readonly alert: Alert }
  | { readonly type: 'threshold_changed'; readonly pool: string; readonly change: ThresholdChange }
  | { readonly type: 'trained'; readonly pool: string; readonly outcome: TrainingOutcome }
  | { readonly type: 'drift'; readonly pool: string; readonly alarm: DriftAlarm }
  | {
      readonly type: 'status_changed';
      readonly state: 'running' | 'degraded' | 'stopped';
      readonly reasons: readonly string[];
    };

export type RuntimeListener = (event: RuntimeEvent) => void;

const MAX_LISTENERS = 64;

export class Notices {
  readonly #logger: Logger;
  readonly #timeline: Timeline;
  readonly #listeners = new Set<RuntimeListener>();
  #destinations: Destinations | undefined;
  #restarts = 0;

  constructor(logger: Logger, timeline: Timeline) {
    this.#logger = logger;
    this.#timeline = timeline;
  }

  /** From here on alerts reach the adviser. */
  connect(destinations: Destinations): void {
    this.#destinations = destinations;
  }

  /** Child processes that were started again since the runtime started. */
  get restarts(): number {
    return this.#restarts;
  }

  /** @returns a function that ends the subscription; undefined when there are too many listeners already. */
  subscribe(listener: RuntimeListener): (() => void) | undefined {
    if (this.#listeners.size >= MAX_LISTENERS) return undefined;
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  emit(event: RuntimeEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#logger.warn('a runtime listener threw', { error: describeReason(error) });
      }
    }
  }

  report(report: SupervisorReport): void {
    this.emit({ type: 'supervisor_report', report });
    const { context, offender } = report;
    if (context === 'started') return;
    const supervisor = report.supervisor.name;
    if (context === 'child_terminated') {
      this.#restarts += 1;
      this.#timeline.add('actor_restarted', `${offender.id} below ${supervisor}: ${describeReason(report.reason)}`);
    }
    if (context !== 'shutdown') return;
    this.raise({
      key: `actor_restarts:${supervisor}`,
      kind: 'actor_restarts',
      severity: 'critical',
      pool: undefined,
      message: `${supervisor} gave up: ${offender.id} crashed too often. Look at the log for its exit reason.`,
    });
  }

  raise(alert: AlertContent): void {
    if (this.#destinations) cast(this.#destinations.adviser, { type: 'raise_alert', ...alert });
  }

  resolve(key: string): void {
    if (this.#destinations) cast(this.#destinations.adviser, { type: 'resolve_alert', key });
  }

  alertRaised(alert: Alert): void {
    if (alert.kind === 'zero_copy_circuit_open') this.#timeline.add('lane_closed', alert.message, alert.pool);
    this.#logger.warn(alert.message, { alert: alert.kind, pool: alert.pool });
    this.emit({ type: 'alert_raised', alert });
  }

  alertResolved(alert: Alert): void {
    this.#logger.info(`resolved: ${alert.message}`, { alert: alert.kind, pool: alert.pool });
    this.emit({ type: 'alert_resolved', alert });
  }

  trained(pool: string, outcome: TrainingOutcome): void {
    this.#logger.info(`pool ${pool}: training: ${outcome.type}`);
    this.emit({ type: 'trained', pool, outcome });
    if (outcome.type === 'published') this.#timeline.add('model_published', outcome.modelId, pool);
    if (outcome.type !== 'failed') return;
    this.#logger.warn(`pool ${pool}: a training failed: ${describeFailure(outcome.error)}`);
  }

  drifted(pool: string, alarm: DriftAlarm): void {
    this.#timeline.add('drift', `${alarm.subject} (${alarm.test}): ${alarm.evidence}`, pool);
    this.#logger.warn(`pool ${pool}: drift of ${alarm.subject} (${alarm.test}): ${alarm.evidence}`);
    this.emit({ type: 'drift', pool, alarm });
  }

  thresholdsChanged(pool: string, changes: readonly ThresholdChange[]): void {
    for (const change of changes) {
      const what =
        change.kind === 'threshold' ? `threshold of ${change.dataType ?? 'every other type'}` : 'quick path minimum';
      const step = `${what} ${change.from} -> ${change.to} bytes: ${change.reason}`;
      this.#timeline.add('threshold_changed', step, pool);
      this.#logger.info(`pool ${pool}: ${step}`);
      this.emit({ type: 'threshold_changed', pool, change });
    }
  }
}
