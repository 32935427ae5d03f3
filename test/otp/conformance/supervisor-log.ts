import { monitor, type ProcessRef } from '../../../src/otp/index.ts';
import type { Json } from './json.ts';
import { encode } from './terms.ts';

export type Kind = 'worker' | 'supervisor' | 'simple_one_for_one';

/** One start attempt at a path, and the process that it made, if it made one. */
export interface Instance {
  readonly path: string;
  readonly number: number;
  readonly kind: Kind;
  readonly parent: Instance | undefined;
  ref: ProcessRef | undefined;
  down: boolean;
}

/** An event, its instance, and the instances above it from the root down. */
export interface Seen {
  readonly kind: 'start' | 'terminate' | 'down';
  readonly instance: Instance;
  readonly detail: Json;
}

/** The observer of one scenario: numbers the start attempts, knows which process is which instance, writes down events in their order. */
export class SupervisorLog {
  readonly #attempts = new Map<string, number>();
  readonly #instances: Instance[] = [];
  readonly #byRef = new Map<object, Instance>();
  #seen: Seen[] = [];

  /** A start attempt begins. */
  attempt(path: string, kind: Kind, parent: Instance | undefined): Instance {
    const number = (this.#attempts.get(path) ?? 0) + 1;
    this.#attempts.set(path, number);
    const instance: Instance = { path, number, kind, parent, ref: undefined, down: true };
    this.#instances.push(instance);
    return instance;
  }

  /** The attempt made a process. Its death is written down before its supervisor hears of it: monitors are told in their order. */
  runs(instance: Instance, ref: ProcessRef): void {
    instance.ref = ref;
    instance.down = false;
    this.#byRef.set(ref, instance);
    this.note('start', instance, 'ok');
    monitor(ref, (reason) => {
      instance.down = true;
      this.note('down', instance, this.encode(reason));
    });
  }

  note(kind: Seen['kind'], instance: Instance, detail: Json): void {
    this.#seen.push({ kind, instance, detail });
  }

  /** The events since the last call. */
  take(): Seen[] {
    const seen = this.#seen;
    this.#seen = [];
    return seen;
  }

  get living(): Instance[] {
    return this.#instances.filter((instance) => !instance.down);
  }

  get refs(): ProcessRef[] {
    return this.living.flatMap(({ ref }) => (ref === undefined ? [] : [ref]));
  }

  /** `path#2` is that instance, alive or dead, if it ever ran; `path` the living one with the highest number. */
  resolve(reference: string): Instance | undefined {
    const [path, number] = reference.split('#');
    const candidates = this.#instances.filter((instance) => instance.path === path && instance.ref !== undefined);
    if (number !== undefined) return candidates.find((instance) => instance.number === Number(number));
    return candidates.filter((instance) => !instance.down).at(-1);
  }

  encode(value: unknown): Json {
    return encode(value, (object) => {
      const instance = this.#byRef.get(object);
      return instance === undefined ? undefined : nameOf(instance);
    });
  }
}

export function nameOf({ path, number }: Instance): string {
  return `${path}#${number}`;
}

/** By path, then by number. */
export function compareInstances(a: Instance, b: Instance): number {
  if (a.path !== b.path) return a.path < b.path ? -1 : 1;
  return a.number - b.number;
}
