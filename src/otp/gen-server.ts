import type { GenServer } from './behaviour.ts';
import type { Timer } from './clock.ts';
import { reasonOf } from './errors.ts';
import { unlink } from './links.ts';
import type { Message, ServerRef } from './message.ts';
import type { InitResult, Ok } from './next.ts';
import type { Process } from './process.ts';
import { Self } from './self.ts';
import { isPromiseLike, ServerLoop } from './server-loop.ts';
import { type Parent, spawnProcess } from './spawn.ts';
import type { StartOptions, StartResult } from './start.ts';
import type { ExitReason } from './terms.ts';

/**
 * Starts a process that runs `behaviour`, and waits for its `init`. Never rejects; `started(result)` turns what is not `ok` into an error.
 *
 * `parent` is the system, the `self` of the process that starts it, or what a child spec's `start` is given.
 *
 * @example
 * const counter = started(await startGenServer(system, counterServer, 0, { register: 'counter' }));
 */
export function startGenServer<A, S, C extends Message, K extends Message, I extends Message, T>(
  parent: Parent,
  behaviour: GenServer<A, S, C, K, I, T>,
  args: NoInfer<A>,
  options: StartOptions = {},
): Promise<StartResult<ServerRef<C, K, I>>> {
  return new Promise((done) => {
    const holder = options.register === undefined ? undefined : parent.host.registry.whereis(options.register);
    if (holder !== undefined) return done({ type: 'error', reason: { type: 'already_started', ref: holder } });
    const process = trySpawn(parent, options);
    if (process === undefined) return done({ type: 'error', reason: 'noproc' });
    new Start(process, new Self<C, K, I>(process, parent.host), behaviour, done).run(args, options.initTimeoutMs);
  });
}

/** Nothing starts in a system that was stopped. */
function trySpawn(parent: Parent, options: StartOptions): Process | undefined {
  try {
    return spawnProcess(parent, options);
  } catch {
    return undefined;
  }
}

/** One run of `init` in a process that was spawned. `done` hears once what it came to, whatever happens. */
class Start<A, S, C extends Message, K extends Message, I extends Message, T> {
  readonly #process: Process;
  readonly #self: Self<C, K, I>;
  readonly #behaviour: GenServer<A, S, C, K, I, T>;
  readonly #done: (result: StartResult<ServerRef<C, K, I>>) => void;
  #timer: Timer | undefined;

  constructor(
    process: Process,
    self: Self<C, K, I>,
    behaviour: GenServer<A, S, C, K, I, T>,
    done: (result: StartResult<ServerRef<C, K, I>>) => void,
  ) {
    this.#process = process;
    this.#self = self;
    this.#behaviour = behaviour;
    this.#done = done;
  }

  run(args: A, timeoutMs: number | undefined): void {
    const process = this.#process;
    if (!process.alive) {
      // Its parent was dead already.
      this.#done({ type: 'error', reason: process.exitReason });
      return;
    }
    process.onDeath = (reason) => this.#done({ type: 'error', reason });
    if (timeoutMs !== undefined) {
      this.#timer = process.startTimer(() => this.#fail('timeout', 'killed'), timeoutMs, true);
    }
    try {
      const result = this.#behaviour.init(args, this.#self);
      if (isPromiseLike(result)) {
        result.then(
          (settled) => this.#take(settled),
          (thrown) => this.#fail(reasonOf(thrown)),
        );
      } else this.#take(result);
    } catch (thrown) {
      this.#fail(reasonOf(thrown));
    }
  }

  #take(result: InitResult<S, T>): void {
    if (!this.#process.alive) return;
    switch (result?.type) {
      case 'ok':
        this.#timer?.cancel();
        this.#begin(result);
        break;
      case 'ignore':
        this.#end('normal', { type: 'ignore' });
        break;
      case 'refuse':
        this.#fail(result.reason);
        break;
      default:
        this.#fail({ type: 'bad_return_value', value: result satisfies never });
    }
  }

  #begin({ state, after }: Ok<S, T>): void {
    const process = this.#process;
    const loop = new ServerLoop<S, C, K, I, T>(process, this.#self, this.#behaviour, state);
    process.engine = loop;
    process.onDeath = undefined;
    loop.after(after);
    process.proceed();
    this.#done({ type: 'ok', ref: process });
  }

  #fail(reason: ExitReason, exitReason: ExitReason = reason): void {
    this.#end(exitReason, { type: 'error', reason });
  }

  /** A start that fails is answered by its result, not by an exit signal to the parent as well. */
  #end(exitReason: ExitReason, result: StartResult<ServerRef<C, K, I>>): void {
    const process = this.#process;
    if (!process.alive) return;
    process.onDeath = () => this.#done(result);
    if (process.parent !== undefined) unlink(process.parent, process);
    process.die(exitReason);
  }
}
