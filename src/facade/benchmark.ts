/** `runtime.analyzer.runBenchmark`: starts the job, and gives a handle to it. */
import { cpus, totalmem } from 'node:os';
import {
  type BenchmarkProgress,
  benchmark,
  type CancelBenchmark,
  type GetBenchmarkProgress,
} from '../actors/benchmark.ts';
import type { BenchmarkLanes } from '../actors/benchmark-burst.ts';
import { BenchmarkPayloads } from '../actors/benchmark-payloads.ts';
import type { ProductionWatch } from '../actors/production-watch.ts';
import { InvalidArgumentError, PitwallError } from '../errors.ts';
import { checkLanes } from '../hot-path/lanes.ts';
import { ImpactTest } from '../metrics/analysis/benchmark/impact.ts';
import { planOf } from '../metrics/analysis/benchmark/scenario.ts';
import type {
  BenchmarkPlan,
  BenchmarkReport,
  BenchmarkScenario,
  Machine,
} from '../metrics/analysis/benchmark/types.ts';
import { cast, describeReason, monitor, type ServerRef, workerSpec } from '../otp/index.ts';
import type { RuntimePort } from '../transports/runtime-port.ts';
import { type Ground, ownGround } from './benchmark-ground.ts';

export interface BenchmarkOptions {
  /** Aborted: as `cancel()`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Where no lanes are given: what the workers do that are started for it. `read` looks at every page of the payload, `hash` digests it, `echo` sends
   * it back. Default `read`.
   */
  readonly command?: 'read' | 'hash' | 'echo' | undefined;
}

export interface BenchmarksParts {
  readonly port: RuntimePort;
  readonly production: ProductionWatch;
  readonly nowMs: () => number;
  /** Monotonic, milliseconds with fractions. */
  readonly elapsedMs: () => number;
}

type JobRef = ServerRef<GetBenchmarkProgress, CancelBenchmark>;

/** Jobs at a time: they share one machine. */
const MAX_JOBS = 4;
const MAX_LISTENERS = 64;
const MINUTE_MS = 60_000;
/** Production that is longer ago is no measure of the present, microseconds. */
const RECENT_US = 600_000_000;

/** Starts benchmarks. */
export class Benchmarks {
  readonly #parts: BenchmarksParts;
  #started = 0;
  #running = 0;

  constructor(parts: BenchmarksParts) {
    this.#parts = parts;
  }

  /** See `Analyzer.runBenchmark`. */
  async run<D>(
    scenario: BenchmarkScenario<D> | undefined,
    lanes: BenchmarkLanes<D> | undefined,
    options: BenchmarkOptions = {},
  ): Promise<BenchmarkJob> {
    const plan = planOf(scenario);
    checkOptions(options);
    if (lanes !== undefined) checkLanes(lanes);
    if (this.#running >= MAX_JOBS) {
      throw new PitwallError(
        'PITWALL_BENCHMARK_BUSY',
        `${this.#running} benchmarks run already, which is the most there may be`,
      );
    }
    this.#running += 1;
    this.#started += 1;
    const id = `benchmark-${this.#started}`;
    let ground: Ground | undefined;
    try {
      // What the host's lanes take is what its scenario makes, or what is made up for its types: not for the compiler to see.
      const given = lanes as BenchmarkLanes | undefined;
      ground = given
        ? { lanes: given, leave: async () => {} }
        : await ownGround(this.#parts.port, id, plan, options.command ?? 'read');
      return await this.#start(id, plan, scenario, ground, options);
    } catch (error) {
      this.#running -= 1;
      await ground?.leave();
      throw error;
    }
  }

  async #start<D>(
    id: string,
    plan: BenchmarkPlan,
    scenario: BenchmarkScenario<D> | undefined,
    ground: Ground,
    { signal }: BenchmarkOptions,
  ): Promise<BenchmarkJob> {
    const { port, production, nowMs, elapsedMs } = this.#parts;
    const impact = plan.impactTolerance === false ? undefined : new ImpactTest(plan.impactTolerance);
    for (const record of production.latest(plan.pool, nowMs() * 1000 - RECENT_US)) impact?.learn(record);
    const hearing = new Hearing();
    const spec = workerSpec(
      id,
      benchmark,
      {
        plan,
        lanes: ground.lanes,
        payloads: new BenchmarkPayloads(scenario?.payload, plan.seed),
        machine: thisMachine(),
        impact,
        watch: (listener) => production.watch(listener),
        nowMs,
        elapsedMs,
        onProgress: (progress) => hearing.progress(progress),
        onReport: (report) => {
          hearing.report = report;
        },
      },
      { restart: 'temporary' },
    );
    // The spec's own process: nothing else answers to its id.
    const ref = (await port.startChild(spec)) as JobRef;
    const ended = whenEnded(ref, hearing, ground).finally(() => {
      this.#running -= 1;
    });
    return new BenchmarkJob(id, ref, hearing, ended, signal);
  }
}

/** A benchmark that runs, or ran. Iterating over it gives its progress, the latest at a time, until it ends. */
export class BenchmarkJob implements AsyncIterable<BenchmarkProgress> {
  readonly id: string;
  /**
   * The report, also of a benchmark that was cancelled or stopped itself: its `ended` says why, and it holds what was measured until then. Rejects with
   * PitwallError `PITWALL_BENCHMARK_FAILED` where the job crashed. Need not be awaited.
   */
  readonly result: Promise<BenchmarkReport>;
  readonly #ref: JobRef;
  readonly #hearing: Hearing;

  /** Use `runtime.analyzer.runBenchmark`. */
  constructor(
    id: string,
    ref: JobRef,
    hearing: Hearing,
    result: Promise<BenchmarkReport>,
    signal: AbortSignal | undefined,
  ) {
    this.id = id;
    this.#ref = ref;
    this.#hearing = hearing;
    this.result = result;
    const abort = (): void => this.cancel(whyOf(signal?.reason));
    const over = (): void => signal?.removeEventListener('abort', abort);
    // A result that nobody wants must not end the host.
    result.then(over, over);
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  }

  /** How far it is; undefined before the first burst. */
  get progress(): BenchmarkProgress | undefined {
    return this.#hearing.latest;
  }

  /** Calls `listener` after each burst. What it throws is dropped. @returns a function that ends it */
  onProgress(listener: (progress: BenchmarkProgress) => void): () => void {
    if (typeof listener !== 'function') throw new InvalidArgumentError('listener', listener, 'a function');
    return this.#hearing.listen(listener);
  }

  /** Ends it. `result` resolves with what was measured. Afterwards, or twice, it does nothing. */
  cancel(why?: string): void {
    cast(this.#ref, { type: 'cancel', detail: typeof why === 'string' ? why : undefined });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<BenchmarkProgress, void, void> {
    for (;;) {
      const progress = await this.#hearing.next();
      if (progress === undefined) return;
      yield progress;
    }
  }
}

function whyOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : describeReason(reason);
}

/** What is heard of a job, and who is told. */
class Hearing {
  report: BenchmarkReport | undefined;
  latest: BenchmarkProgress | undefined;
  #over = false;
  readonly #listeners = new Set<(progress: BenchmarkProgress) => void>();
  readonly #waiting = new Set<() => void>();

  progress(progress: BenchmarkProgress): void {
    this.latest = progress;
    for (const listener of this.#listeners) {
      try {
        listener(progress);
      } catch {
        // A listener's fault is not the benchmark's.
      }
    }
    this.#wake();
  }

  end(): void {
    this.#over = true;
    this.#listeners.clear();
    this.#wake();
  }

  listen(listener: (progress: BenchmarkProgress) => void): () => void {
    if (this.#listeners.size >= MAX_LISTENERS) {
      throw new InvalidArgumentError('listener', listener, `at most ${MAX_LISTENERS} listeners at a time`);
    }
    if (!this.#over) this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The next progress; undefined when there will be none any more. */
  async next(): Promise<BenchmarkProgress | undefined> {
    if (!this.#over) await new Promise<void>((resolve) => this.#waiting.add(resolve));
    return this.#over ? undefined : this.latest;
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** Resolves with the report when the process is dead and its ground is left. */
async function whenEnded(ref: JobRef, hearing: Hearing, ground: Ground): Promise<BenchmarkReport> {
  // Actors' timers keep no host alive; who asked for a benchmark waits for it, as for a command in flight.
  const waiting = setInterval(() => undefined, MINUTE_MS);
  const reason = await new Promise<unknown>((resolve) => void monitor(ref, resolve));
  clearInterval(waiting);
  hearing.end();
  await ground.leave();
  if (hearing.report) return hearing.report;
  throw new PitwallError(
    'PITWALL_BENCHMARK_FAILED',
    `the benchmark ended without a report: ${describeReason(reason)}`,
    {
      cause: reason,
    },
  );
}

function thisMachine(): Machine {
  const cores = cpus();
  return {
    node: process.version,
    platform: process.platform,
    arch: process.arch,
    cpu: cores[0]?.model.trim() ?? 'unknown cpu',
    cores: cores.length,
    memory: totalmem(),
  };
}

const COMMANDS: readonly unknown[] = [undefined, 'read', 'hash', 'echo'];

function checkOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null) throw new InvalidArgumentError('options', options, 'an object');
  const { signal, command }: { signal?: unknown; command?: unknown } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new InvalidArgumentError('options.signal', signal, 'an AbortSignal');
  }
  if (!COMMANDS.includes(command)) throw new InvalidArgumentError('options.command', command, 'read, hash or echo');
}
