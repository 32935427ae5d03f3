import type { DynamicSupervisorRef } from '../../src/otp/index.ts';
import {
  call,
  cast,
  dynamicSupervisorSpec,
  exit,
  named,
  type ProcessRef,
  type System,
  started,
  startGenServer,
  startInstance,
  startSupervisor,
  startSystem,
  stopSystem,
  supervisorSpec,
  whereis,
  workerSpec,
} from '../../src/otp/index.ts';
import { type Add, type CrashCast, type Get, type ProbeCast, probe } from './probe.ts';

export interface SoakOptions {
  readonly seconds: number;
  readonly seed: number;
  /** Default 1000. */
  readonly crashesPerSecond?: number;
}

export interface SoakReport {
  readonly crashes: number;
  readonly restarts: number;
  readonly calls: number;
  readonly replies: number;
  readonly failures: number;
  /** Calls that settled more than once, or had not settled when all was over. */
  readonly lost: number;
  readonly unhandledRejections: number;
  /** After garbage collection, when a quarter of the time was over and at the end. */
  readonly heapMb: readonly [before: number, after: number];
  /** What keeps the event loop alive, before and after. */
  readonly handles: readonly [before: number, after: number];
  readonly processes: readonly [before: number, after: number];
}

const TICK_MS = 10;
/** Restarts without end: what is tested is what they leave behind. */
const ENDLESS = { intensity: 1_000_000_000, period: 1 };

/** Random crashes over a three-level tree, with calls all the time. Needs `--expose-gc`. */
export async function soak({ seconds, seed, crashesPerSecond = 1000 }: SoakOptions): Promise<SoakReport> {
  const random = mulberry32(seed);
  let restarts = 0;
  let unhandledRejections = 0;
  const onUnhandled = (): void => {
    unhandledRejections += 1;
  };
  process.on('unhandledRejection', onUnhandled);
  const handlesBefore = handles();
  const system = startSystem({
    name: 'soak',
    onReport: ({ kind }) => {
      if (kind === 'start') restarts += 1;
    },
  });
  await startTree(system);
  const traffic = new Traffic(system, random);
  let crashes = 0;
  let quarter: { heap: number; processes: number } | undefined;
  const ticks = Math.ceil((seconds * 1000) / TICK_MS);
  for (let tick = 0; tick < ticks; tick += 1) {
    for (let i = 0; i < (crashesPerSecond * TICK_MS) / 1000; i += 1) {
      crash(system, random);
      traffic.send();
      crashes += 1;
    }
    if (tick >= ticks / 4) quarter ??= { heap: heapMb(), processes: system.processes.size };
    await new Promise((done) => setTimeout(done, TICK_MS));
  }
  const processesAfter = system.processes.size;
  await traffic.settled();
  const heapAfter = heapMb();
  await stopSystem(system);
  await new Promise((done) => setTimeout(done, 20));
  process.off('unhandledRejection', onUnhandled);
  return {
    crashes,
    restarts,
    ...traffic.counts,
    unhandledRejections,
    heapMb: [quarter?.heap ?? 0, heapAfter],
    handles: [handlesBefore, handles()],
    processes: [quarter?.processes ?? 0, processesAfter],
  };
}

async function startTree(system: System): Promise<void> {
  const strategies = ['one_for_one', 'one_for_all', 'rest_for_one'] as const;
  const groups = strategies.map((strategy) =>
    supervisorSpec(
      `${strategy}`,
      { ...ENDLESS, strategy: 'one_for_one' },
      [0, 1, 2].map((group) =>
        supervisorSpec(`${strategy}-${group}`, { ...ENDLESS, strategy }, workers(`${strategy}-${group}`)),
      ),
    ),
  );
  const pool = dynamicSupervisorSpec(
    'pool',
    ENDLESS,
    {
      id: 'instance',
      start: (parent, id: string) => startGenServer(parent, probe, {}, { register: id }),
    },
    { register: 'pool' },
  );
  started(await startSupervisor(system, ENDLESS, [...groups, pool], { name: 'root' }));
  const ref: DynamicSupervisorRef<[string]> | undefined = whereis(system, 'pool');
  for (let i = 0; i < 10 && ref !== undefined; i += 1) await startInstance(ref, `instance-${i}`);
}

function workers(group: string) {
  return [0, 1, 2, 3].map((n) => {
    const id = `${group}-${n}`;
    return workerSpec(id, probe, { trapExit: n === 0 }, { register: id, restart: n === 3 ? 'transient' : 'permanent' });
  });
}

/** Ends somebody below the top: by a fault, by an exit signal, by kill. */
function crash(system: System, random: () => number): void {
  const victims = [...system.processes].filter(({ parent }) => parent !== undefined && parent !== system.ref);
  const victim: ProcessRef | undefined = victims[Math.floor(random() * victims.length)];
  if (victim === undefined || victim.name === 'pool') return;
  const way = random();
  if (way < 0.4) exit(victim, 'kill');
  else if (way < 0.6) exit(victim, 'boom');
  else if (victim.name.includes('-'))
    cast<CrashCast>(victim, { type: 'crash', reason: new Error('a fault on purpose') });
}

/** Calls to whoever lives, each counted when it settles. */
class Traffic {
  readonly #system: System;
  readonly #random: () => number;
  readonly #pending = new Set<Promise<void>>();
  #calls = 0;
  #replies = 0;
  #failures = 0;
  #twice = 0;

  constructor(system: System, random: () => number) {
    this.#system = system;
    this.#random = random;
  }

  send(): void {
    const names = this.#system.registry.names();
    const name = names[Math.floor(this.#random() * names.length)];
    if (name === undefined || name === 'pool') return;
    cast(named<never, Add | ProbeCast>(this.#system, name), { type: 'add' });
    let settled = 0;
    const settle = (): void => {
      settled += 1;
      if (settled > 1) this.#twice += 1;
    };
    this.#calls += 1;
    const watched = call(named<Get>(this.#system, name), { type: 'get' }, { timeoutMs: 1000 }).then(
      () => {
        settle();
        this.#replies += 1;
      },
      () => {
        settle();
        this.#failures += 1;
      },
    );
    this.#pending.add(watched);
    watched.finally(() => this.#pending.delete(watched)).catch(() => undefined);
  }

  /** Waits for what is on its way; a call has a timeout, so one that is not settled after two of them is lost. */
  async settled(): Promise<void> {
    await Promise.race([Promise.all(this.#pending), new Promise((done) => setTimeout(done, 2500))]);
  }

  get counts(): { calls: number; replies: number; failures: number; lost: number } {
    const lost = this.#twice + (this.#calls - this.#replies - this.#failures);
    return { calls: this.#calls, replies: this.#replies, failures: this.#failures, lost };
  }
}

function handles(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate').length;
}

function heapMb(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1e6;
}

function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
