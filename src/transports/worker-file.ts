import path from 'node:path';
import { installedProgram } from '../workers/installed-program.ts';

/** The program of the worker processes. @throws PitwallError `PITWALL_WORKER_PROGRAM_MISSING` naming where it was looked for */
export function workerProgram(): string {
  return installedProgram('transports', 'worker-main.js', 'PITWALL_WORKER_PROGRAM_MISSING');
}

/** The folder that Python starts as the program of its worker processes. @throws as `workerProgram` */
export function pythonWorkerProgram(): string {
  return installedProgram(path.join('..', 'python', 'src'), 'pitwall_worker', 'PITWALL_WORKER_PROGRAM_MISSING');
}

/** The worker script that benchmarks start where they are given none: commands `read`, `hash`, `echo`. @throws as `workerProgram` */
export function benchmarkWorkerScript(): string {
  return installedProgram('transports', 'benchmark-worker.js', 'PITWALL_WORKER_PROGRAM_MISSING');
}
