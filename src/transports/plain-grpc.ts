/**
 * gRPC without anything of ours, in a process of its own: the same unary call to a server whose flow-control windows are as they come, and to
 * one with those that pitwall's workers have. What differs is the window alone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Grpc from '@grpc/grpc-js';
import { PitwallError } from '../errors.ts';
import { MESSAGE_LIMITS, WINDOW_BYTES } from './service.ts';

const METHOD = '/pitwall.doctor.Plain/Send';
const START_MS = 15_000;
const CALL_MS = 10_000;
const STOP_MS = 2_000;

/** Runs in the child: two servers, the second with wide windows. A string, so that there is no file to be found from inside a bundle. */
const SERVER = `
const [module, plain, wide, windowBytes] = process.argv.slice(1);
const grpc = require(module);
const identity = (bytes) => bytes;
const serve = (address, widen) => new Promise((resolve, reject) => {
  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 });
  server.addService({ send: { path: '${METHOD}', requestStream: false, responseStream: false, requestSerialize: identity,
    requestDeserialize: identity, responseSerialize: identity, responseDeserialize: identity } }, { send: (_call, done) => done(null, Buffer.alloc(1)) });
  server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error) => {
    if (error) return reject(error);
    if (widen) for (const http2Server of server.http2Servers.keys()) http2Server.on('session', (session) => {
      session.settings({ initialWindowSize: Number(windowBytes) });
      session.setLocalWindowSize(Number(windowBytes));
    });
    resolve();
  });
});
process.stdin.on('end', () => process.exit(0)).on('error', () => process.exit(0)).resume();
Promise.all([serve(plain, false), serve(wide, true)]).then(() => process.stdout.write('ready'));
`;

/** The windows as they come, or wide as in pitwall's workers. */
export type PlainWindow = 'plain' | 'wide';

export class PlainGrpc {
  readonly #clients: Grpc.Client[] = [];
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #ready: Promise<void>;

  constructor() {
    this.#folder = mkdtempSync(path.join(tmpdir(), 'pitwall-doctor-'));
    const program = [locateGrpc(), this.#address('plain'), this.#address('wide'), String(WINDOW_BYTES)];
    this.#child = spawn(process.execPath, ['-e', SERVER, ...program], {
      // Freed memory is kept, as in pitwall's workers: else it is page faults that are measured.
      env: { MALLOC_MMAP_THRESHOLD_: '134217728', MALLOC_TRIM_THRESHOLD_: '268435456', ...process.env },
      stdio: ['pipe', 'pipe', 'ignore'],
      windowsHide: true,
    });
    this.#ready = whenReady(this.#child);
    // Told where it is awaited.
    this.#ready.catch(() => undefined);
  }

  /** Rejects with what kept the process from starting. */
  ready(): Promise<void> {
    return this.#ready;
  }

  /** Microseconds of one call of each kind: making the message of a payload is part of it. Use after `ready`; rejects where a call fails. */
  async callers(): Promise<Readonly<Record<PlainWindow, (payload: Uint8Array) => Promise<number>>>> {
    const grpc = await import('@grpc/grpc-js');
    const clientOf = (name: PlainWindow, options: object): Grpc.Client => {
      const limits = { ...MESSAGE_LIMITS, ...options };
      const client = new grpc.Client(this.#address(name), grpc.credentials.createInsecure(), limits);
      this.#clients.push(client);
      return client;
    };
    const plain = clientOf('plain', {});
    const wide = clientOf('wide', { 'grpc-node.flow_control_window': WINDOW_BYTES });
    return { plain: (payload) => timed(plain, payload), wide: (payload) => timed(wide, payload) };
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    const child = this.#child;
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      child.stdin?.end();
      await ended;
      clearTimeout(timer);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #address(name: PlainWindow): string {
    return `unix:${path.join(this.#folder, name)}`;
  }
}

/** @throws PitwallError `PITWALL_DOCTOR_FAILED` where grpc-js is not installed */
function locateGrpc(): string {
  const url: string | undefined = import.meta.url;
  for (const start of [url, pathToFileURL(path.join(process.cwd(), 'resolve.js')).href]) {
    if (start === undefined) continue;
    try {
      return createRequire(start).resolve('@grpc/grpc-js');
    } catch {
      // The next place.
    }
  }
  throw failed('@grpc/grpc-js is not installed');
}

function whenReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(failed('plain gRPC was not ready in time')), START_MS);
    const end = (error?: PitwallError): void => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve();
    };
    child.stdin?.on('error', () => undefined);
    child.stdout?.once('data', () => end());
    child.once('error', (error) => end(failed(`plain gRPC could not be started: ${error.message}`)));
    child.once('exit', () => end(failed('plain gRPC ended at once')));
  });
}

function timed(client: Grpc.Client, payload: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    const message = Buffer.from(payload);
    const identity = (bytes: Buffer): Buffer => bytes;
    client.makeUnaryRequest(METHOD, identity, identity, message, { deadline: Date.now() + CALL_MS }, (error) => {
      if (error) reject(error);
      else resolve((performance.now() - startedMs) * 1000);
    });
  });
}

function failed(why: string): PitwallError {
  return new PitwallError('PITWALL_DOCTOR_FAILED', why);
}
