import type { GenServer } from './behaviour.ts';
import type { ChildType, Restart, ShutdownTime } from './child-kind.ts';
import { startGenServer } from './gen-server.ts';
import type { Message } from './message.ts';
import type { Parent } from './spawn.ts';
import type { Awaitable, StartOptions, StartResult } from './start.ts';

/** A child, complete. */
export interface ChildSpec<Args extends readonly unknown[] = []> {
  /** Unique among the children of its supervisor. */
  readonly id: string;
  /** Starts the child, of course linked to `parent`. A throw counts as the error `{ type: 'EXIT', reason }`. */
  start(parent: Parent, ...args: Args): Awaitable<StartResult>;
  /** Default `permanent`. */
  readonly restart: Restart;
  /** Default 5000 ms for a worker, `infinity` for a supervisor. */
  readonly shutdown: ShutdownTime;
  /** Default `worker`. Says how the child is counted, listed, and which `shutdown` is its default. */
  readonly type: ChildType;
  /** Its end in order may end the supervisor (`autoShutdown`). Not for permanent children. Default false. */
  readonly significant: boolean;
}

/** A child as it is written: everything but `id` and `start` has a default. */
export type ChildSpecInput<Args extends readonly unknown[] = []> = Pick<ChildSpec<Args>, 'id' | 'start'> &
  Partial<ChildSpec<Args>>;

/** What a helper lets one say about a child. */
export type ChildOptions = Partial<Pick<ChildSpec, 'restart' | 'shutdown' | 'significant'>> &
  Omit<StartOptions, 'link'>;

/**
 * The spec of a child that is a GenServer.
 *
 * @example
 * workerSpec('counter', counterServer, 0, { restart: 'transient', register: 'counter' })
 */
export function workerSpec<A, S, C extends Message, K extends Message, I extends Message, T>(
  id: string,
  behaviour: GenServer<A, S, C, K, I, T>,
  args: NoInfer<A>,
  options: ChildOptions = {},
): ChildSpecInput {
  const { restart, shutdown, significant, ...startOptions } = options;
  return {
    id,
    start: (parent) => startGenServer(parent, behaviour, args, startOptions),
    type: 'worker',
    ...(restart !== undefined && { restart }),
    ...(shutdown !== undefined && { shutdown }),
    ...(significant !== undefined && { significant }),
  };
}
