import type { BatchObservableResult, Meter, Observable } from '@opentelemetry/api';
import { AttributeSets, type Caps } from './attribute-sets.ts';
import type { MetricDoc } from './names.ts';

/** Attribute sets of one metric: 100 pools with ten reasons each. */
const MOST_SETS = 1000;

/** One metric during one collection: readings that fall into one series are combined, because the SDK keeps only the last. */
export class Series {
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

export function sum(a: number, b: number): number {
  return a + b;
}

export function max(a: number, b: number): number {
  return Math.max(a, b);
}
