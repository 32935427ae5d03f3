import { type BatchObservableResult, diag, type Meter, type Observable } from '@opentelemetry/api';
import { AttributeSets, type Caps } from './attribute-sets.ts';
import { type AttributeKey, METRICS, type MetricDoc, OTHER } from './names.ts';
import type { TelemetrySource } from './source.ts';

/** Attribute sets of one metric: 100 pools with ten reasons each. */
const MOST_SETS = 1000;

/** Losses of telemetry's own. */
export interface Losses {
  /** Measurements reported under `other`, by attribute. */
  readonly folded: ReadonlyMap<AttributeKey, number>;
  /** Records that no histogram has seen. */
  readonly skipped: () => number;
}

/**
 * Registers the metrics that are read at collection time. Returns the function that unregisters them.
 *
 * @param losses what telemetry itself could not show as it is
 */
export function observeSource(meter: Meter, source: TelemetrySource, caps: Caps, losses: Losses): () => void {
  const decisions = new Series(meter, METRICS.decisions, caps, sum);
  const threshold = new Series(meter, METRICS.threshold, caps, Math.max);
  const mailbox = new Series(meter, METRICS.actorMailbox, caps, Math.max);
  const restarts = new Series(meter, METRICS.supervisorRestarts, caps, sum);
  const dropped = new Series(meter, METRICS.recordsDropped, caps, sum);
  const alerts = new Series(meter, METRICS.alertsActive, caps, sum);
  const webhook = new Series(meter, METRICS.webhookMessages, caps, sum);
  const folded = new Series(meter, METRICS.folded, caps, sum);
  const skipped = new Series(meter, METRICS.skipped, caps, sum);

  const read = [
    () => source.decisions((pool, method, reason, count) => decisions.add(count, pool, method, reason)),
    () =>
      source.thresholds((pool, dataType, bytes) => {
        // The highest of many pools' thresholds says nothing about any.
        if (caps.get('pool')?.admit(pool) !== OTHER) threshold.add(bytes, pool, dataType);
      }),
    () => source.mailboxes((actor, length) => mailbox.add(length, actor)),
    () => source.restarts((supervisor, child, count) => restarts.add(count, supervisor, child)),
    () => source.dropped((cause, count) => dropped.add(count, cause)),
    () => source.alerts((kind, severity, active) => alerts.add(active, kind, severity)),
    () => source.webhook((outcome, count) => webhook.add(count, outcome)),
    () => {
      for (const [key, count] of losses.folded) folded.add(count, key);
    },
    () => skipped.add(losses.skipped()),
  ];
  const series = [decisions, threshold, mailbox, restarts, dropped, alerts, webhook, folded, skipped];
  const observables = series.map((each) => each.observable);
  const collect = (result: BatchObservableResult): void => {
    for (const each of read) attempt(each);
    for (const each of series) each.report(result);
  };
  meter.addBatchObservableCallback(collect, observables);
  return () => meter.removeBatchObservableCallback(collect, observables);
}

/** One metric during one collection: readings that fall into one series are combined, because the SDK keeps only the last. */
class Series {
  readonly observable: Observable;
  readonly #sets: AttributeSets;
  readonly #combine: (a: number, b: number) => number;
  readonly #readings = new Map<ReturnType<AttributeSets['of']>, number>();

  constructor(meter: Meter, doc: MetricDoc, caps: Caps, combine: (a: number, b: number) => number) {
    const { name, unit, description } = doc;
    this.observable =
      doc.instrument === 'counter'
        ? meter.createObservableCounter(name, { unit, description })
        : meter.createObservableGauge(name, { unit, description });
    this.#sets = new AttributeSets(doc.attributes, caps, MOST_SETS, () => {});
    this.#combine = combine;
  }

  add(value: number, ...labels: string[]): void {
    const set = this.#sets.of(labels);
    const before = this.#readings.get(set);
    this.#readings.set(set, before === undefined ? value : this.#combine(before, value));
  }

  report(result: BatchObservableResult): void {
    for (const [set, value] of this.#readings) result.observe(this.observable, value, set);
    this.#readings.clear();
  }
}

function sum(a: number, b: number): number {
  return a + b;
}

/** One reading that fails costs only itself. */
function attempt(read: () => void): void {
  try {
    read();
  } catch (error) {
    diag.error('pitwall: a metric could not be read', error);
  }
}
