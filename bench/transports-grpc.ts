/** The peer of the lanes: gRPC as it comes. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as grpc from '@grpc/grpc-js';

const require = createRequire(import.meta.url);

const METHOD = '/bench.Plain/Send';
const identity = (bytes: Buffer): Buffer => bytes;

/** As most people run it: one message a payload, no limit of its size, windows as they come. Runs in a process of its own. */
const SERVER = `
const grpc = require(process.argv[1]);
const identity = (bytes) => bytes;
const server = new grpc.Server({ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 });
server.addService({ send: { path: '/bench.Plain/Send', requestStream: false, responseStream: false, requestSerialize: identity,
  requestDeserialize: identity, responseSerialize: identity, responseDeserialize: identity } }, { send: (_call, done) => done(null, Buffer.alloc(1)) });
server.bindAsync(process.argv[2], grpc.ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
  process.stdout.write('ready');
});
process.stdin.on('end', () => process.exit(0)).resume();
`;

export class PlainGrpc {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #client: grpc.Client;

  private constructor(child: ChildProcess, folder: string, client: grpc.Client) {
    this.#folder = folder;
    this.#child = child;
    this.#client = client;
  }

  static async start(): Promise<PlainGrpc> {
    const folder = mkdtempSync(path.join(tmpdir(), 'bench-'));
    const address = `unix:${path.join(folder, 's')}`;
    const child = spawn(process.execPath, ['-e', SERVER, require.resolve('@grpc/grpc-js'), address], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    const limits = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };
    return new PlainGrpc(child, folder, new grpc.Client(address, grpc.credentials.createInsecure(), limits));
  }

  send(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      // A copy is part of it: a payload becomes a message somehow.
      const message = Buffer.from(bytes);
      this.#client.makeUnaryRequest(METHOD, identity, identity, message, (error) =>
        error ? reject(error) : resolve(),
      );
    });
  }

  close(): void {
    this.#client.close();
    this.#child.stdin?.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
