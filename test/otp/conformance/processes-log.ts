import { monitor, type ProcessRef } from '../../../src/otp/index.ts';
import type { Json } from './json.ts';
import { encode } from './terms.ts';

/** The n-th start attempt for a name. */
interface Instance {
  readonly name: string;
  readonly number: number;
  readonly ref: ProcessRef;
  down: boolean;
}

/** The observer of one scenario: numbers the start attempts and keeps the events of each instance in their order. */
export class ProcessesLog {
  readonly #attempts = new Map<string, number>();
  readonly #instances: Instance[] = [];
  #events = new Map<string, Json[]>();

  /** The number of the start attempt that now begins. */
  attempt(name: string): number {
    const number = (this.#attempts.get(name) ?? 0) + 1;
    this.#attempts.set(name, number);
    return number;
  }

  /** The process of an attempt runs. */
  born(name: string, number: number, ref: ProcessRef): void {
    const instance: Instance = { name, number, ref, down: false };
    this.#instances.push(instance);
    monitor(ref, (reason) => {
      instance.down = true;
      this.note(ref, ['down', this.encode(reason)]);
    });
  }

  note(ref: ProcessRef, event: Json): void {
    const key = this.#nameOf(ref);
    if (key === undefined) return;
    this.#events.set(key, [...(this.#events.get(key) ?? []), event]);
  }

  /** The events since the last call. */
  take(): Json {
    const events = Object.fromEntries(this.#events);
    this.#events = new Map();
    return events;
  }

  get living(): ProcessRef[] {
    return this.#living().map(({ ref }) => ref);
  }

  get alive(): Json {
    const sorted = this.#living().toSorted((a, b) =>
      a.name === b.name ? a.number - b.number : a.name < b.name ? -1 : 1,
    );
    return sorted.map(({ name, number }) => `${name}#${number}`);
  }

  /** `a#2` is that instance; `a` the latest that lives, or else the latest. */
  resolve(reference: string): ProcessRef {
    const [name, number] = reference.split('#');
    const candidates = this.#instances.filter((instance) => instance.name === name);
    const found =
      number === undefined
        ? (candidates.findLast((instance) => !instance.down) ?? candidates.at(-1))
        : candidates.find((instance) => instance.number === Number(number));
    if (found === undefined) throw new Error(`no process ${reference}`);
    return found.ref;
  }

  encode(value: unknown): Json {
    return encode(value, (object) => this.#nameOf(object));
  }

  #living(): Instance[] {
    return this.#instances.filter((instance) => !instance.down);
  }

  #nameOf(object: object): string | undefined {
    const instance = this.#instances.find(({ ref }) => ref === object);
    return instance === undefined ? undefined : `${instance.name}#${instance.number}`;
  }
}
