/**
 * One worker process, as a GenServer: starts it, attaches it to the pool's shared memory, asks after its health, stops it. When the process
 * ends, so does this, and its supervisor starts both again.
 */
import type { ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import type * as Grpc from '@grpc/grpc-js';
import { type GenServer, next, type Self } from '../otp/index.ts';
import { type Courier, connectControl } from './control-client.ts';
import type { PoolResources } from './pool-resources.ts';
import { exitedEarly, spawnWorker, stopWorker, type WorkerProgram, whenReady } from './spawn-worker.ts';
import { WorkerClient } from './worker-client.ts';

export interface WorkerProcessArgs {
  readonly index: number;
  readonly grpc: typeof Grpc;
  readonly resources: PoolResources;
  readonly program: Omit<WorkerProgram, 'socketPath'>;
  readonly startTimeoutMs: number;
  readonly healthEveryMs: number;
}

interface HealthCheck {
  readonly type: 'health_check';
}
interface Exited {
  readonly type: 'exited';
  readonly code: number | null;
  readonly signal: string | null;
}
/** The control channel ended by itself: the process is about to follow, or talks nonsense. */
interface ControlLost {
  readonly type: 'control_lost';
}
type Info = HealthCheck | Exited | ControlLost;

interface State {
  readonly args: WorkerProcessArgs;
  readonly child: ChildProcess;
  readonly client: WorkerClient;
  readonly courier: Courier | undefined;
  readonly missed: number;
  /** When the first of the checks that it missed was sent, by `performance.now()`. */
  readonly silentSinceMs: number;
}

/** Unanswered health checks in a row, while nobody waits for an answer, until the process is taken for hung. */
const MISSES = 3;
/** However often it is asked: a machine under load takes its time. */
const LEAST_HEALTH_TIMEOUT_MS = 1_000;
/** A process that lost its control channel is usually dead; its end says more about why. */
const CONTROL_LOST_AFTER_MS = 500;

export const workerProcess: GenServer<WorkerProcessArgs, State, never, never, Info> = {
  async init(args, self) {
    self.trapExit(true);
    const { index, resources } = args;
    const program = { ...args.program, socketPath: resources.socketPath(index) };
    removeSockets(program);
    const child = spawnWorker(program);
    let client: WorkerClient | undefined;
    let courier: Courier | undefined;
    try {
      const address = await whenReady(child, program, args.startTimeoutMs);
      client = new WorkerClient(args.grpc, address, program.token);
      courier = await attach(client, args, () => {
        self.sendAfter({ type: 'control_lost' }, CONTROL_LOST_AFTER_MS);
      });
      child.once('exit', (code, signal) => self.sendAfter({ type: 'exited', code, signal }, 0));
      if (child.exitCode !== null || child.signalCode !== null) throw exitedEarly(child);
      resources.table.add({ index, pid: child.pid ?? 0, client, courier });
      self.sendAfter({ type: 'health_check' }, args.healthEveryMs);
      return next.ok({ args, child, client, courier, missed: 0, silentSinceMs: 0 });
    } catch (error) {
      courier?.close();
      client?.close();
      child.kill('SIGKILL');
      removeSockets(program);
      resources.noteStartFailure(error);
      throw error;
    }
  },
  async handleInfo(message, state, self) {
    switch (message.type) {
      case 'health_check':
        return checkHealth(state, self);
      case 'exited':
        return next.stop({ type: 'worker_exited', code: message.code, signal: message.signal }, state);
      case 'control_lost':
        return next.stop('control_channel_lost', state);
      case 'EXIT':
        return next.stop(message.reason, state);
      case 'DOWN':
      case 'timeout':
        return next.noreply(state);
      default:
        return message satisfies never;
    }
  },
  async terminate(_reason, { args, child, client, courier }) {
    const { index, resources } = args;
    resources.table.remove(index);
    await stopWorker(child);
    courier?.close();
    client.close();
    removeSockets({ socketPath: resources.socketPath(index) });
  },
};

/** A worker without shared memory still works: gRPC carries everything. */
async function attach(
  client: WorkerClient,
  { resources, startTimeoutMs }: WorkerProcessArgs,
  onLost: () => void,
): Promise<Courier | undefined> {
  const { descriptor } = resources;
  if (descriptor === undefined) {
    await client.health(startTimeoutMs);
    return undefined;
  }
  const { error, controlPath } = await client.attach(descriptor);
  if (error !== '') {
    resources.warn(`a worker could not map shared memory: ${error}`);
    return undefined;
  }
  // A worker that offers no channel of its own takes references by gRPC.
  return controlPath === '' ? client : connectControl(controlPath, onLost);
}

async function checkHealth(state: State, self: Self<never, never, Info>) {
  const { client, args } = state;
  const { table } = args.resources;
  self.sendAfter({ type: 'health_check' }, args.healthEveryMs);
  if (table.isStuck(args.index)) return next.stop('worker_hangs', state);
  const sentMs = performance.now();
  try {
    await self.wait(client.health(Math.max(args.healthEveryMs, LEAST_HEALTH_TIMEOUT_MS)));
    table.trust(args.index);
    return next.noreply({ ...state, missed: 0 });
  } catch {
    // A handler that never yields keeps its worker from answering: its callers decide how long that may go on.
    table.suspect(args.index);
    const missed = state.missed + 1;
    const silentSinceMs = missed === 1 ? sentMs : state.silentSinceMs;
    const hangs = missed >= MISSES && !table.isAwaited(args.index, silentSinceMs);
    return hangs ? next.stop('worker_hangs', state) : next.noreply({ ...state, missed, silentSinceMs });
  }
}

function removeSockets({ socketPath }: Pick<WorkerProgram, 'socketPath'>): void {
  if (socketPath === undefined) return;
  rmSync(socketPath, { force: true });
  rmSync(`${socketPath}.control`, { force: true });
}
