import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as nact from 'nact';
import {
  type Call,
  call,
  cast,
  Exit,
  exit,
  type GenServer,
  next,
  resume,
  type ServerRef,
  type System,
  shutDown,
  started,
  startGenServer,
  startSupervisor,
  startSystem,
  stopSystem,
  suspend,
  workerSpec,
} from '../src/otp/index.ts';

/** One figure of pitwall/otp beside what the same work costs its peers in the same run; `undefined`: the peer has none, or is missing. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly pitwall: number;
  readonly erlang: number | undefined;
  readonly nact: number | undefined;
  /** What must hold, and whether it does. */
  readonly bar: string;
  readonly holds: boolean;
}

interface Get extends Call<number> {
  readonly type: 'get';
}
interface Add {
  readonly type: 'add';
}
interface Crash {
  readonly type: 'crash';
}
type Counter = ServerRef<Get, Add | Crash>;

const CASTS = 1_000_000;
const ACTORS = 100_000;

/** A counter that says when it has started. */
const counter: GenServer<((ref: Counter) => void) | undefined, number, Get, Add | Crash> = {
  init(onStart, self) {
    onStart?.(self.ref);
    return next.ok(0);
  },
  handleCall: (_message, _from, count) => next.reply(count, count),
  handleCast(message, count) {
    if (message.type === 'crash') throw new Exit('boom');
    return next.noreply(count + 1);
  },
};

/** Runs everything once; takes about a minute. Needs `--expose-gc` for bytes per actor. */
export async function runOtpBench(erlangSource: string): Promise<Figure[]> {
  const erlang = runErlang(erlangSource);
  const [ourCall, nactCall] = [await callUs(), await nactCallUs()];
  const [ourCasts, nactCasts] = [await castsPerS(), await nactCastsPerS()];
  const restart = await restartUs();
  const fair = await delayP99Ms();
  const [bytes, nactBytes] = [await bytesPerActor(), await nactBytesPerActor()];
  const [small, large] = [await tree(1_000), await tree(10_000)];
  const figure = (name: string, unit: string, pitwall: number, bar: string, holds: boolean, key = '', raw?: number) => {
    const peer = erlang?.[key];
    return { name, unit, pitwall, erlang: typeof peer === 'number' ? peer : undefined, nact: raw, bar, holds };
  };
  const most = (ours: number, peer: number | undefined) => peer === undefined || ours <= peer;
  return [
    figure(
      'call, p50',
      'us',
      ourCall,
      '<= Erlang, <= nact',
      most(ourCall, erlang?.call_us) && ourCall <= nactCall,
      'call_us',
      nactCall,
    ),
    figure(
      'casts',
      '1/s',
      ourCasts,
      '>= Erlang, >= 3x nact',
      most(erlang?.casts_per_s ?? 0, ourCasts) && ourCasts >= 3 * nactCasts,
      'casts_per_s',
      nactCasts,
    ),
    figure('crash to restarted, p50', 'us', restart, '<= Erlang', most(restart, erlang?.restart_us), 'restart_us'),
    figure('event-loop delay p99 while 1 M casts drain', 'ms', fair, '< 10', fair < 10),
    figure('an idle actor of 100 000', 'bytes', bytes, 'told', true, 'bytes_per_actor', nactBytes),
    ...(['start', 'restart', 'stop'] as const).map((what) =>
      figure(
        `10 000 children: ${what === 'restart' ? 'one_for_all restart' : what}`,
        'ms',
        large[what],
        'linear: <= 2x of 10x 1 000',
        large[what] <= 20 * small[what],
        `tree_${what}_ms_10k`,
      ),
    ),
    ...(['start', 'restart', 'stop'] as const).map((what) =>
      figure(
        `1 000 children: ${what === 'restart' ? 'one_for_all restart' : what}`,
        'ms',
        small[what],
        'told',
        true,
        `tree_${what}_ms_1k`,
      ),
    ),
  ];
}

/** The figures as a Markdown table. */
export function otpTable(figures: readonly Figure[]): string {
  const show = (value: number | undefined): string =>
    value === undefined ? '-' : value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
  const rows = figures.map(
    ({ name, unit, pitwall, erlang, nact: raw, bar, holds }) =>
      `| ${name} | ${unit} | ${show(pitwall)} | ${show(erlang)} | ${show(raw)} | ${bar} | ${holds ? 'yes' : 'NO'} |`,
  );
  return [
    '| figure | unit | pitwall | Erlang/OTP | raw nact | bar | holds |',
    '|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

// pitwall

async function withSystem<T>(run: (system: System) => Promise<T>): Promise<T> {
  const system = startSystem({ name: 'bench' });
  const result = await run(system);
  await stopSystem(system);
  return result;
}

/** Microseconds of one call: median over batches of 1000. */
function callUs(): Promise<number> {
  return withSystem(async (system) => {
    const ref = started(await startGenServer(system, counter, undefined));
    return medianPerCall(() => call(ref, { type: 'get' }));
  });
}

async function medianPerCall(one: () => Promise<unknown>): Promise<number> {
  for (let i = 0; i < 50_000; i += 1) await one();
  const batches: number[] = [];
  for (let batch = 0; batch < 150; batch += 1) {
    const from = performance.now();
    for (let i = 0; i < 1000; i += 1) await one();
    batches.push(performance.now() - from); // ms per 1000 calls = us per call
  }
  return median(batches);
}

function castsPerS(): Promise<number> {
  return withSystem(async (system) => {
    const runs: number[] = [];
    for (let run = 0; run < 5; run += 1) {
      const ref = started(await startGenServer(system, counter, undefined));
      const from = performance.now();
      for (let i = 0; i < CASTS; i += 1) cast(ref, { type: 'add' });
      if ((await call(ref, { type: 'get' }, { timeoutMs: 60_000 })) !== CASTS) throw new Error('casts were lost');
      runs.push((CASTS / (performance.now() - from)) * 1000);
    }
    return median(runs);
  });
}

/** From the crash of a child to the init of the next one. */
function restartUs(): Promise<number> {
  return withSystem(async (system) => {
    let begun: (ref: Counter) => void = () => undefined;
    const begins = (): Promise<Counter> =>
      new Promise((done) => {
        begun = done;
      });
    const first = begins();
    const child = workerSpec('a', counter, (ref: Counter) => begun(ref));
    started(await startSupervisor(system, { intensity: 1_000_000, period: 1 }, [child]));
    let ref = await first;
    const times: number[] = [];
    for (let i = 0; i < 20_000; i += 1) {
      const again = begins();
      const from = performance.now();
      cast(ref, { type: 'crash' });
      ref = await again;
      times.push((performance.now() - from) * 1000);
    }
    return median(times.slice(10_000));
  });
}

/** How long the host's event loop is held at a time while a million casts drain, five times over. */
function delayP99Ms(): Promise<number> {
  return withSystem(async (system) => {
    const held: number[] = [];
    for (let run = 0; run < 5; run += 1) {
      const ref = started(await startGenServer(system, counter, undefined));
      await suspend(ref);
      for (let i = 0; i < CASTS; i += 1) cast(ref, { type: 'add' });
      await new Promise((done) => setTimeout(done, 20)); // what filling it up held is the bench's own doing
      const stopWatching = watchTurns(held);
      await resume(ref);
      await call(ref, { type: 'get' }, { timeoutMs: 60_000 });
      stopWatching();
    }
    return held.toSorted((a, b) => a - b)[Math.floor(held.length * 0.99)] ?? Number.NaN;
  });
}

/** Writes down how long each turn of the event loop takes, until the returned function is called. */
function watchTurns(heldMs: number[]): () => void {
  let watching = true;
  let last = performance.now();
  const turn = (): void => {
    const now = performance.now();
    heldMs.push(now - last);
    last = now;
    if (watching) setImmediate(turn);
  };
  setImmediate(turn);
  return () => {
    watching = false;
  };
}

function bytesPerActor(): Promise<number> {
  return withSystem(async (system) => {
    const before = heap();
    const refs: Counter[] = [];
    for (let i = 0; i < ACTORS; i += 1) refs.push(started(await startGenServer(system, counter, undefined)));
    const bytes = (heap() - before) / refs.length;
    for (const ref of refs) exit(ref, 'kill');
    return bytes;
  });
}

/** Milliseconds to start, one_for_all restart and stop `n` children. */
function tree(n: number): Promise<{ start: number; restart: number; stop: number }> {
  return withSystem(async (system) => {
    let begun: (ref: Counter) => void = () => undefined;
    const children = Array.from({ length: n }, (_, i) =>
      workerSpec(`c${i}`, counter, i === n - 1 ? (ref: Counter) => begun(ref) : undefined),
    );
    let last: Counter | undefined;
    begun = (ref) => {
      last = ref;
    };
    const t1 = performance.now();
    const root = started(
      await startSupervisor(system, { strategy: 'one_for_all', intensity: 10, period: 1 }, children),
    );
    const t2 = performance.now();
    const again = new Promise<Counter>((done) => {
      begun = done;
    });
    if (last !== undefined) cast(last, { type: 'crash' });
    await again;
    const t3 = performance.now();
    await shutDown(system, root);
    return { start: t2 - t1, restart: t3 - t2, stop: performance.now() - t3 };
  });
}

// Raw nact

async function nactCallUs(): Promise<number> {
  const system = nact.start();
  const ref = nact.spawn(
    system,
    (state: number, _message: unknown, context: object) => {
      if ('sender' in context) nact.dispatch(Object(context.sender), state);
      return state;
    },
    'counter',
    { initialState: 0 },
  );
  const result = await medianPerCall(() => nact.query(ref, () => ({ type: 'get' }), 5000));
  nact.stop(system);
  return result;
}

async function nactCastsPerS(): Promise<number> {
  const system = nact.start();
  const runs: number[] = [];
  for (let run = 0; run < 3; run += 1) {
    let drained: () => void = () => undefined;
    const done = new Promise<void>((resolve) => {
      drained = resolve;
    });
    const ref = nact.spawn(
      system,
      (count: number, _message: unknown) => {
        if (count + 1 === CASTS) drained();
        return count + 1;
      },
      `counter-${run}`,
      { initialState: 0 },
    );
    const from = performance.now();
    for (let i = 0; i < CASTS; i += 1) nact.dispatch(ref, { type: 'add' });
    await done;
    runs.push((CASTS / (performance.now() - from)) * 1000);
  }
  nact.stop(system);
  return median(runs);
}

async function nactBytesPerActor(): Promise<number> {
  const system = nact.start();
  const before = heap();
  const refs: unknown[] = [];
  for (let i = 0; i < ACTORS; i += 1) {
    refs.push(nact.spawn(system, (count: number) => count, `actor-${i}`, { initialState: 0 }));
  }
  const bytes = (heap() - before) / refs.length;
  nact.stop(system);
  return bytes;
}

// Erlang

function runErlang(source: string): Record<string, number> | undefined {
  const beams = mkdtempSync(join(tmpdir(), 'otp-bench-'));
  try {
    if (spawnSync('erlc', ['-o', beams, source]).status !== 0) return undefined;
    const run = spawnSync('erl', ['-noshell', '+S', '2', '+P', '1000000', '-pa', beams, '-s', 'otp_bench', 'main'], {
      encoding: 'utf8',
    });
    return run.status === 0 ? JSON.parse(run.stdout) : undefined;
  } finally {
    rmSync(beams, { recursive: true, force: true });
  }
}

function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
