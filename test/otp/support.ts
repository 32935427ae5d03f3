import { afterEach } from 'vitest';
import { type ProcessRef, type System, type SystemOptions, startSystem, stopSystem } from '../../src/otp/index.ts';

const systems: System[] = [];

/** A system that is stopped after the test. */
export function testSystem(options: SystemOptions = {}): System {
  const system = startSystem({ name: 'test', ...options });
  systems.push(system);
  return system;
}

afterEach(async () => {
  await Promise.all(systems.splice(0).map((system) => stopSystem(system, { timeoutMs: 1000 })));
});

/** Collects what a callback is given, and waits for it. */
export class Collected<T> {
  readonly all: T[] = [];
  #wake: () => void = () => undefined;

  readonly add = (item: T): void => {
    this.all.push(item);
    this.#wake();
  };

  /** Resolves when an item that `is` accepts was added. */
  async until(is: (item: T) => boolean, from = 0): Promise<T> {
    for (;;) {
      const found = this.all.slice(from).find(is);
      if (found !== undefined) return found;
      await new Promise<void>((done) => {
        this.#wake = done;
      });
    }
  }

  async count(n: number): Promise<T[]> {
    while (this.all.length < n) {
      await new Promise<void>((done) => {
        this.#wake = done;
      });
    }
    return this.all;
  }
}

/** A few turns of the event loop: enough for whatever is ready to be done. */
export async function turns(n = 3): Promise<void> {
  for (let i = 0; i < n; i += 1) await new Promise((done) => setImmediate(done));
}

export function name({ name: own }: ProcessRef): string {
  return own;
}
