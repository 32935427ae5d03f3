/** gRPC's flow control: both sides offer the wide window from the first call on. grpc-js has an option for the client's only. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:http2';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { expect, it, onTestFinished } from 'vitest';
import { CommandRunner } from '../../src/transports/command-runner.ts';
import { listenGrpc } from '../../src/transports/grpc-server.ts';
import { WINDOW_BYTES } from '../../src/transports/service.ts';
import { WorkerClient } from '../../src/transports/worker-client.ts';

function socketPath(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'pw-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, 's');
}

it('a worker offers it, for each stream and for the connection', async () => {
  const socket = socketPath();
  const runner = new CommandRunner({ echo: (payload: unknown) => payload });
  await listenGrpc(grpc, `unix:${socket}`, { runner, attach: async () => '', token: undefined });
  const session = connect('http://localhost', { path: socket });
  onTestFinished(() => session.close());
  while (session.remoteSettings.initialWindowSize !== WINDOW_BYTES) {
    await new Promise((resolve) => session.once('remoteSettings', resolve));
  }
  while (Number(session.state.remoteWindowSize) < WINDOW_BYTES) await new Promise((resolve) => setImmediate(resolve));
  expect(session.state.remoteWindowSize).toBe(WINDOW_BYTES);
});

it('a host offers it too', async () => {
  const socket = socketPath();
  const server = createServer();
  const offered = new Promise<number | undefined>((resolve) => {
    server.on('session', (session) =>
      session.once('remoteSettings', (settings) => resolve(settings.initialWindowSize)),
    );
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  onTestFinished(() => void server.close());
  const client = new WorkerClient(grpc, `unix:${socket}`, undefined);
  onTestFinished(() => client.close());
  const health = client.health(500).catch(() => undefined);
  expect(await offered).toBe(WINDOW_BYTES);
  client.close();
  await health;
});
