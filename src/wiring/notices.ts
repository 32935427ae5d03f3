/**
 * What happened, said where operators look: the log, the adviser's alerts, the host's listeners. Everything here is called from inside
 * something that must go on, so nothing here throws.
 */
import type { AdviserCast, Alert, AlertContent, AlertKind, PastAlert } from '../actors/adviser.ts';
import type { DeadLetterNote } from '../actors/adviser-counts.ts';
import { RestartWatch } from '../actors/adviser-restarts.ts';
import type { Destinations } from '../actors/destinations.ts';
import type { TimedStep, TrainingOutcome } from '../actors/learner-messages.ts';
import type { Timeline } from '../actors/timeline.ts';
import { describeFailure } from '../actors/training-pool.ts';
import type { Logger } from '../config/types.ts';
import type { DriftAlarm } from '../learning/drift.ts';
import type { ThresholdChange } from '../learning/threshold-tuning.ts';
import type { ExplorationLimits } from '../learning/types.ts';
import { cast, type DeadLetter, describeReason, type SupervisorReport } from '../otp/index.ts';
import { EventTally } from './event-tally.ts';

/** What a host may listen to. */
export type RuntimeEvent =
  | { readonly type: 'supervisor_report'; readonly report: SupervisorReport }
  | { readonly type: 'alert_raised'; readonly alert: Alert }
  | { readonly type: 'alert_resolved'; readonly alert: PastAlert }
  | { readonly type: 'threshold_changed'; readonly pool: string; readonly change: ThresholdChange }
  | { readonly type: 'trained'; readonly pool: string; readonly outcome: TrainingOutcome }
  | { readonly type: 'drift'; readonly pool: string; readonly alarm: DriftAlarm }
  | { readonly type: 'model_stage'; readonly pool: string; readonly step: TimedStep }
  | {
      readonly type: 'status_changed';
      readonly state: 'running' | 'degraded' | 'stopped';
      readonly reasons: readonly string[];
    };

export type RuntimeListener = (event: RuntimeEvent) => void;

const MAX_LISTENERS = 64;
/** What may wait for an adviser that is being restarted. */
const MAX_PENDING = 256;
/** Names of which dead letters are told apart. */
const MAX_NAMES = 64;

/** Who else is told of an alert: log records, the webhook. Must not throw. */
export type AlertListener = (news: 'raised' | 'resolved', alert: Alert | PastAlert) => void;

export class Notices {
  readonly tally = new EventTally();
  readonly #logger: Logger;
  readonly #timeline: Timeline;
  readonly #listeners = new Set<RuntimeListener>();
  readonly #tell: AlertListener;
  readonly #crashes = new RestartWatch();
  readonly #deadLetters = new Map<string, number>();
  readonly #pending: AdviserCast[] = [];
  #deadLetterCount = 0;
  #destinations: Destinations | undefined;
  #restarts = 0;

  constructor(logger: Logger, timeline: Timeline, tell: AlertListener = () => undefined) {
    this.#logger = logger;
    this.#timeline = timeline;
    this.#tell = tell;
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
    const { raise, resolve } = this.#crashes.observe(report, report.atMs);
    if (raise !== undefined) this.raise(raise);
    if (resolve !== undefined) this.resolve(resolve);
    if (context === 'started') return;
    const supervisor = report.supervisor.name;
    if (context === 'child_terminated') {
      this.#restarts += 1;
      this.#timeline.add('actor_restarted', `${offender.id} below ${supervisor}: ${describeReason(report.reason)}`);
    }
  }

  /** A message that nobody handled: counted here, told by the adviser when there are many. */
  deadLetter({ to }: DeadLetter): void {
    this.#deadLetterCount += 1;
    if (this.#deadLetters.has(to) || this.#deadLetters.size < MAX_NAMES) {
      this.#deadLetters.set(to, (this.#deadLetters.get(to) ?? 0) + 1);
    }
  }

  get deadLetters(): DeadLetterNote {
    return { total: this.#deadLetterCount, to: Object.fromEntries(this.#deadLetters) };
  }

  raise(alert: AlertContent): void {
    this.#toAdviser({ type: 'raise_alert', ...alert });
  }

  resolve(key: string): void {
    this.#toAdviser({ type: 'resolve_alert', key });
  }

  /** All alerts of a kind in a pool are over. */
  resolveAll(kind: AlertKind, pool: string): void {
    this.#toAdviser({ type: 'resolve_alerts', kind, pool });
  }

  /** What was to be said while there was no adviser. */
  takePending(): AdviserCast[] {
    return this.#pending.splice(0);
  }

  #toAdviser(message: AdviserCast): void {
    const adviser = this.#destinations?.adviser;
    if (adviser?.whereis()?.alive && cast(adviser, message)) return;
    this.#pending.push(message);
    if (this.#pending.length > MAX_PENDING) this.#pending.shift();
  }

  alertRaised(alert: Alert): void {
    if (alert.kind === 'zero_copy_circuit_open') this.#timeline.add('lane_closed', alert.message, alert.pool);
    this.#logger.warn(alert.message, { alert: alert.kind, pool: alert.pool });
    this.#tell('raised', alert);
    this.emit({ type: 'alert_raised', alert });
  }

  alertResolved(alert: PastAlert): void {
    this.#logger.info(`resolved: ${alert.message}`, { alert: alert.kind, pool: alert.pool });
    this.#tell('resolved', alert);
    this.emit({ type: 'alert_resolved', alert });
  }

  trained(pool: string, outcome: TrainingOutcome): void {
    this.#logger.info(`pool ${pool}: training: ${outcome.type}`);
    this.tally.trained(pool, outcome.type);
    this.emit({ type: 'trained', pool, outcome });
    if (outcome.type === 'not_better') this.#logger.info(`pool ${pool}: version ${outcome.version}: ${outcome.reason}`);
    if (outcome.type === 'published' || outcome.type === 'not_better') this.resolveAll('drift', pool);
    if (outcome.type === 'published') {
      this.#timeline.add('model_published', outcome.modelId, pool);
      this.resolve(`model_refused:${pool}`);
    }
    if (outcome.type !== 'failed') return;
    this.#logger.warn(`pool ${pool}: a training failed: ${describeFailure(outcome.error)}`);
  }

  /** @param certain whether it is told as an alert */
  drifted(pool: string, alarm: DriftAlarm, certain: boolean): void {
    this.#timeline.add('drift', `${alarm.subject} (${alarm.test}): ${alarm.evidence}`, pool);
    this.#logger.warn(`pool ${pool}: drift of ${alarm.subject} (${alarm.test}): ${alarm.evidence}`);
    this.emit({ type: 'drift', pool, alarm });
    if (certain) this.raise(driftAlert(pool, alarm));
  }

  /** A model may steer further, or less far; one that is sent back to the rules is an alert until it, or another, has climbed again. */
  stageChanged(pool: string, step: TimedStep): void {
    const { from, to, cause, evidence, modelId, direction } = step;
    const places = [from, to].map(({ stage, requiredConfidence }) => `${stage} (${requiredConfidence})`);
    const line = `${modelId ?? 'no model'}: ${places.join(' -> ')}, ${cause}: ${evidence}`;
    this.#timeline.add('model_stage', line, pool);
    this.#logger.info(`pool ${pool}: ${line}`);
    this.emit({ type: 'model_stage', pool, step });
    const key = `model_demoted:${pool}`;
    if (direction === 'up') this.resolve(key);
    if (direction === 'up' || cause === 'ceiling') return;
    this.raise({
      key,
      kind: 'model_demoted',
      severity: 'warning',
      pool,
      message: `pool ${pool}: model ${modelId ?? ''} became worse than the rules (${evidence}) and steers no longer; the cost model decides. Another is trained when it is due; runtime.learning.versions tells what there is.`,
      comparison: { modelId: modelId ?? null, from: from.stage, to: to.stage, cause, evidence },
      likelyCause: 'the machine or the traffic has changed since it was trained',
      lookAt:
        'runtime.learning.detectDrift and runtime.analyzer.timeline(); runtime.learning.trainModel trains at once',
    });
  }

  /** Once until a model is published again: something stored may not serve. */
  modelRefused(pool: string, what: string, reason: string): void {
    this.raise({
      key: `model_refused:${pool}`,
      kind: 'state_refused',
      severity: 'warning',
      pool,
      message: `pool ${pool}: ${what} was refused (${reason}); the cost model serves until another model is trained.`,
      comparison: { what, reason },
      likelyCause: reason,
      lookAt: 'runtime.learning.versions; runtime.learning.trainModel trains another at once',
    });
  }

  explorationBudget(pool: string, { mayExplore, spent = 0, budget = 0 }: ExplorationLimits): void {
    const share = `${(100 * spent).toFixed(1)} % of the recent transfers' time, ${(100 * budget).toFixed(1)} % are allowed`;
    const line = `exploration ${mayExplore ? 'goes on' : 'pauses'}: it was expected to cost ${share}`;
    this.#timeline.add('exploration_budget', line, pool);
    this.#logger.info(`pool ${pool}: ${line}`);
  }

  thresholdsChanged(pool: string, changes: readonly ThresholdChange[]): void {
    for (const change of changes) {
      const what =
        change.kind === 'threshold' ? `threshold of ${change.dataType ?? 'every other type'}` : 'quick path minimum';
      const step = `${what} ${change.from} -> ${change.to} bytes: ${change.reason}`;
      this.#timeline.add('threshold_changed', step, pool);
      this.#logger.info(`pool ${pool}: ${step}`);
      this.tally.thresholdChanged(pool, change);
      this.emit({ type: 'threshold_changed', pool, change });
    }
  }
}

const SUBJECTS: Readonly<Record<DriftAlarm['subject'], string>> = {
  error_grpc: "the errors of gRPC's predictions",
  error_zero_copy: "the errors of zero-copy's predictions",
  data_size: 'the sizes of payloads',
  system_load: "the machine's load",
};

/** Over when the pool was trained anew, or after an hour without another alarm. */
function driftAlert(pool: string, { subject, test, evidence, atMs }: DriftAlarm): AlertContent {
  const traffic = subject === 'data_size';
  return {
    key: `drift:${pool}:${subject}`,
    kind: 'drift',
    severity: 'warning',
    pool,
    message: `pool ${pool}: ${SUBJECTS[subject]} are no longer what they were (${evidence}). The models are trained anew; until then predictions may be off.`,
    comparison: { subject, test, evidence, since: new Date(atMs).toISOString() },
    likelyCause: traffic
      ? 'the host sends other payloads than before'
      : 'the machine has changed, or what else runs on it',
    lookAt: 'runtime.analyzer.timeline() for what happened before it; runtime.learning.detectDrift',
  };
}
