import type { Json, JsonObject } from './json.ts';

// Random scenarios of servers, links, monitors and exit signals. What Erlang leaves open is not generated: nobody waits for one who waits
// for him, and nobody hears of one death in two ways.

type Random = (below: number) => number;

/** The i-th scenario of a seed depends on the seed and on i alone. */
export function generateProcesses(seed: number, count: number): JsonObject[] {
  return Array.from({ length: count }, (_, i) =>
    scenario(`${seed}-${i + 1}`, randomOf(Math.imul(seed, 0x9e3779b1) ^ Math.imul(i + 1, 0x85ebca6b))),
  );
}

function scenario(name: string, random: Random): JsonObject {
  const generator = new Generator(random);
  return { name, steps: generator.steps() };
}

const NAMES = ['a', 'b', 'c', 'd'];
const REASONS: readonly Json[] = ['normal', 'shutdown', 'boom', ['shutdown', 'done'], 'killed'];

class Generator {
  readonly #random: Random;
  /** Servers that were started; only these may be named. */
  readonly #names: string[] = [];
  readonly #attempts = new Map<string, number>();
  /** Pairs that are linked or monitored: never both, so that a death is heard in one way. */
  readonly #bonds = new Map<string, 'link' | 'monitor'>();
  #tags = 0;
  /** Who was touched in the present step: whatever befalls a process twice in one step may come in any order. */
  #touched = new Set<string>();

  constructor(random: Random) {
    this.#random = random;
  }

  steps(): Json[] {
    const steps: Json[] = [];
    for (let n = 2 + this.#random(3); n > 0; n -= 1) steps.push(this.#start());
    for (let n = 4 + this.#random(6); n > 0; n -= 1) steps.push(...this.#step());
    return steps;
  }

  #start(): JsonObject {
    const name = this.#pick(NAMES.slice(0, this.#names.length + 1));
    const { register, ...first } = this.#server(name);
    // A name that is taken starts no process: the first start of a server has none, so that there always was one.
    const known = this.#names.includes(name);
    if (!known) this.#names.push(name);
    this.#count(name);
    return { op: 'start', name, server: known && register !== undefined ? { ...first, register } : first };
  }

  #server(name: string): { [key: string]: Json } {
    const server: { [key: string]: Json } = {};
    if (this.#percent(45)) server.trap_exit = true;
    if (this.#percent(25)) server.register = this.#pick(['x', 'y']);
    if (this.#percent(12))
      server.init = {
        return: this.#pick<Json>(['ignore', ['stop', 'boom'], ['exit', 'boom'], ['stop', ['shutdown', 'early']]]),
      };
    else if (this.#percent(20)) server.init = { return: ['ok', ['continue', this.#message(name, 'continue', 1)]] };
    if (this.#percent(15))
      server.terminate = { do: this.#actions(name, 1), return: this.#pick<Json>(['ok', ['exit', 'worse']]) };
    const on: { [key: string]: Json } = {};
    if (this.#percent(20)) on.EXIT = { return: this.#after(name, 1) };
    if (this.#percent(20)) on.DOWN = { return: this.#after(name, 1) };
    if (Object.keys(on).length > 0) server.on = on;
    return server;
  }

  #step(): JsonObject[] {
    this.#touched = new Set();
    if (this.#percent(20)) return this.#suspended();
    return [this.#plainStep()];
  }

  #plainStep(): JsonObject {
    const to = this.#target();
    const kind = this.#random(20);
    if (kind < 6) return { op: 'call', to, message: this.#message(to, 'call', 2) };
    if (kind < 9) return { op: 'cast', to, message: this.#message(to, 'cast', 2) };
    if (kind < 10) return { op: 'send', to, message: this.#message(to, 'info', 2) };
    if (kind < 12) return { op: 'exit_signal', to: this.#pick(this.#names), reason: 'kill' };
    if (kind < 15) return { op: 'stop', to, reason: this.#pick(REASONS) };
    if (kind < 16) return { op: 'whereis', name: this.#pick(['x', 'y']) };
    if (kind < 18) return this.#start();
    return { op: 'call', to, message: this.#message(to, 'call', 2) };
  }

  /**
   * Only a server that lives can be suspended, so one is started first, and meant by its number: it may be killed meanwhile. Signals of
   * strangers have no name where exits are trapped: only kill.
   */
  #suspended(): JsonObject[] {
    const name = this.#pick(this.#names);
    const to = `${name}#${this.#count(name)}`;
    const ops: Json[] = [];
    for (let n = 2 + this.#random(3); n > 0; n -= 1) {
      const kind = this.#random(6);
      if (kind < 2) ops.push({ op: 'call', to, message: this.#message(name, 'call', 1) });
      else if (kind < 4) ops.push({ op: 'cast', to, message: this.#message(name, 'cast', 1) });
      else if (kind < 5) ops.push({ op: 'exit_signal', to, reason: 'kill' });
      else {
        const tag = this.#tag();
        ops.push({ op: 'call', to, message: { tag, return: 'noreply' } });
        ops.push({ op: 'cast', to, message: { tag: this.#tag(), do: [['reply_to', tag, 'later']] } });
      }
    }
    const server = this.#percent(50) ? { trap_exit: true } : {};
    return [
      { op: 'start', name, server },
      { op: 'suspended', server: to, ops },
    ];
  }

  #count(name: string): number {
    const attempt = (this.#attempts.get(name) ?? 0) + 1;
    this.#attempts.set(name, attempt);
    return attempt;
  }

  #target(): string {
    return this.#percent(12) ? this.#pick(['@x', '@y']) : this.#pick(this.#names);
  }

  /** A message for `to`, whose handler does a few things and comes to something. */
  #message(to: string, callback: 'call' | 'cast' | 'info' | 'continue', depth: number): JsonObject {
    const tag = this.#tag();
    const owner = to.startsWith('@') ? undefined : to;
    const actions = owner === undefined || depth === 0 ? [] : this.#actions(owner, depth);
    const returned = callback === 'call' ? this.#reply(to, depth) : this.#after(to, depth);
    return { tag, ...(actions.length > 0 && { do: actions }), ...(returned !== undefined && { return: returned }) };
  }

  #reply(to: string, depth: number): Json {
    const kind = this.#random(12);
    if (kind < 6) return ['reply', this.#tag()];
    if (kind < 8) return ['reply', 'then', ['continue', this.#message(to, 'continue', Math.max(0, depth - 1))]];
    if (kind < 9) return ['stop', this.#pick(REASONS)];
    if (kind < 10) return ['stop', this.#pick(REASONS), 'bye'];
    if (kind < 11) return ['exit', this.#pick(REASONS)];
    return ['reply', 'plain'];
  }

  #after(to: string, depth: number): Json {
    const kind = this.#random(12);
    if (kind < 7) return 'noreply';
    if (kind < 9 && depth > 0) return ['noreply', ['continue', this.#message(to, 'continue', depth - 1)]];
    if (kind < 10) return ['exit', this.#pick(REASONS)];
    if (kind < 11) return ['stop', this.#pick(REASONS)];
    return 'noreply';
  }

  #actions(owner: string, depth: number): Json[] {
    return Array.from({ length: this.#random(3) }, () => this.#action(owner, depth))
      .flat(1)
      .filter((action) => action !== null);
  }

  /** One action or a few that belong together; each in a list. */
  #action(owner: string, depth: number): Json[] {
    const others = this.#names.filter((name) => name !== owner && !this.#touched.has(name));
    if (others.length === 0) return [];
    const other = this.#pick(others);
    this.#touched.add(owner);
    this.#touched.add(other);
    const later = other > owner ? [other] : [];
    const kind = this.#random(14);
    // One that does not trap exits may not link to the dead.
    if (kind < 3)
      return this.#bind(owner, other, 'link')
        ? [['trap_exit', true], ['link', other], ...(this.#percent(50) ? [['trap_exit', false]] : [])]
        : [];
    if (kind < 4) return [['unlink', other]];
    if (kind < 7) return this.#bind(owner, other, 'monitor') ? [['monitor', other]] : [];
    if (kind < 8)
      return this.#bind(owner, other, 'monitor')
        ? [
            ['monitor', other],
            ['demonitor', other],
          ]
        : [];
    if (kind < 9) return [['trap_exit', this.#percent(50)]];
    if (kind < 10) return [['exit_signal', other, this.#pick<Json>([...REASONS, 'kill'])]];
    if (kind < 11 && later.length > 0)
      return [['cast', this.#pick(later), this.#message(this.#pick(later), 'cast', depth - 1)]];
    // Calls go from earlier names to later ones, so that nobody waits in a circle.
    if (kind < 13 && later.length > 0) {
      const server = this.#pick(later);
      return [['call', server, this.#message(server, 'call', depth - 1)]];
    }
    return [];
  }

  #bind(a: string, b: string, kind: 'link' | 'monitor'): boolean {
    const key = [a, b].sort().join();
    const bound = this.#bonds.get(key) ?? kind;
    this.#bonds.set(key, bound);
    return bound === kind;
  }

  #tag(): string {
    this.#tags += 1;
    return `m${this.#tags}`;
  }

  #pick<T>(list: readonly T[]): T {
    const picked = list[this.#random(list.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }

  #percent(p: number): boolean {
    return this.#random(100) < p;
  }
}

/** mulberry32 */
function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}
