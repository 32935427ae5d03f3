import type { Attributes, Histogram, Meter } from '@opentelemetry/api';
import type { DecisionReason } from '../decision/types.ts';
import type { TransferRecord } from '../metrics/record.ts';
import { AttributeSets, type Caps } from './attribute-sets.ts';
import { type AttributeKey, METRICS, type MetricDoc } from './names.ts';

/** Different attribute sets that one histogram may have; the SDK's own limit is 2000, beyond which it loses the pool's name. */
const MOST_SETS = 1000;

const FALLBACK_REASONS: ReadonlySet<DecisionReason> = new Set([
  'invalid_request',
  'controller_unavailable',
  'decision_failed',
]);

/** The histograms, fed from batches of finished transfers, off the hot path. */
export class TransferHistograms {
  readonly #decisionDuration: CappedHistogram;
  readonly #transferDuration: CappedHistogram;
  readonly #transferSize: CappedHistogram;
  readonly #predictionError: CappedHistogram;

  constructor(meter: Meter, caps: Caps, onFolded: (key: AttributeKey) => void) {
    const histogram = (doc: MetricDoc) => new CappedHistogram(meter, doc, caps, onFolded);
    this.#decisionDuration = histogram(METRICS.decisionDuration);
    this.#transferDuration = histogram(METRICS.transferDuration);
    this.#transferSize = histogram(METRICS.transferSize);
    this.#predictionError = histogram(METRICS.predictionError);
  }

  record(records: readonly TransferRecord[]): void {
    for (const record of records) {
      const { pool, method } = record;
      const payload = [pool, method, record.dataType, record.format];
      this.#transferDuration.record(record.latencyUs / 1e6, [...payload, record.outcome]);
      this.#transferSize.record(record.dataSize, payload);
      // The second leg of a transfer repeats the decision of the first.
      if (!isSecondLeg(record)) this.#decisionDuration.record(record.decisionTimeUs / 1e6, [pool]);
      if (record.predictionError !== undefined) this.#predictionError.record(record.predictionError, [pool, method]);
    }
  }
}

function isSecondLeg(record: TransferRecord): boolean {
  return record.fallback && !FALLBACK_REASONS.has(record.reason);
}

class CappedHistogram {
  readonly #histogram: Histogram<Attributes>;
  readonly #sets: AttributeSets;

  constructor(meter: Meter, doc: MetricDoc, caps: Caps, onFolded: (key: AttributeKey) => void) {
    const { name, unit, description, boundaries } = doc;
    const advice = { explicitBucketBoundaries: [...(boundaries ?? [])] };
    this.#histogram = meter.createHistogram(name, { unit, description, advice });
    this.#sets = new AttributeSets(doc.attributes, caps, MOST_SETS, onFolded);
  }

  record(value: number, labels: readonly string[]): void {
    this.#histogram.record(value, this.#sets.of(labels));
  }
}
