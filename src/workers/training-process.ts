/**
 * The program of a training process: `node training-process.js <settings as JSON>`, started by its host with an IPC channel. Piscina runs the training in
 * a thread with a bound on its heap; this process around it is what dies where V8 gives up in spite of that bound. Never imported by the host.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { Piscina } from 'piscina';
import type { ProcessAnswer, ProcessRequest, ProcessSettings } from './process-protocol.ts';
import type { TrainingResult, TrainingTask } from './training-task.ts';

/** As `nice` has it: whatever the host does comes first. */
const PRIORITY = 5;
/** Where memory runs out, Linux ends this process before others. */
const OOM_SCORE_ADJUSTMENT = '500';

function main(): void {
  const settings: ProcessSettings = JSON.parse(process.argv[2] ?? '{}');
  giveWay();
  // Its host is gone. The thread may hold a transaction of LMDB, in which an orderly exit could wait for ever.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  // A terminal's interrupt is for the host.
  process.on('SIGINT', () => undefined);
  const pool = startThreads(settings);
  process.on('message', (request: ProcessRequest) => void serve(pool, request));
}

function giveWay(): void {
  for (const yielding of [
    () => setPriority(PRIORITY),
    () => writeFileSync('/proc/self/oom_score_adj', OOM_SCORE_ADJUSTMENT),
  ]) {
    try {
      yielding();
    } catch {
      // A system that has no such thing.
    }
  }
}

function startThreads({ file, memoryLimitMb }: ProcessSettings): Piscina<TrainingTask, TrainingResult> {
  // piscina starts a thread again and again whose program is not there.
  if (!existsSync(file)) throw new Error(`${file} does not exist`);
  const pool = new Piscina<TrainingTask, TrainingResult>({
    filename: file,
    minThreads: 0,
    maxThreads: 1,
    maxQueue: 1,
    concurrentTasksPerWorker: 1,
    // Waiting with Atomics keeps a thread from noticing that it is told to stop.
    atomics: 'disabled',
    resourceLimits: { maxOldGenerationSizeMb: memoryLimitMb, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 },
    recordTiming: false,
  });
  // One that comes while a task waits means that threads die before they take it (a program that cannot load): piscina would start them for ever.
  pool.on('error', (error: unknown) => {
    answer({ type: 'failed', ...described(error) }, () => process.exit(1));
  });
  return pool;
}

async function serve(pool: Piscina<TrainingTask, TrainingResult>, { task }: ProcessRequest): Promise<void> {
  try {
    answer({ type: 'trained', result: await pool.run(task) });
  } catch (error) {
    answer({ type: 'failed', ...described(error) });
  }
}

function answer(message: ProcessAnswer, sent: () => void = () => undefined): void {
  // Without a channel there is nobody to tell; the end of the channel ends this process.
  process.send?.(message, undefined, undefined, sent);
}

/** An error's own properties do not survive the way between processes. */
function described(error: unknown): { readonly code: string | undefined; readonly message: string } {
  if (!(error instanceof Error)) return { code: undefined, message: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return { code, message: error.message };
}

main();
