/** The worker's end of the control channel: takes requests whose payload lies in shared memory. Runs in the worker process. */
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import type { CommandRunner } from './command-runner.ts';
import { CANCEL, type Frame, FrameReader, REPLY, REQUEST, writeFrame } from './frames.ts';
import { decodeRequest, encodeReply } from './messages.ts';

/** Requests hold references, no payloads. */
const MAX_REQUEST = 2 ** 20;

/** Listens on a Unix socket; resolves when it does. A peer that sends nonsense is cut off, nothing else happens to it or us. */
export function listenControl(path: string, runner: CommandRunner): Promise<void> {
  rmSync(path, { force: true });
  const server = createServer((socket) => serve(socket, runner));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      server.on('error', () => undefined);
      resolve();
    });
  });
}

function serve(socket: Socket, runner: CommandRunner): void {
  const running = new Map<number, AbortController>();
  const reader = new FrameReader(MAX_REQUEST, (frame) => handle(frame));

  const handle = ({ kind, id, body }: Frame): void => {
    if (kind === CANCEL) running.get(id)?.abort();
    else if (kind === REQUEST && !running.has(id)) void execute(id, body);
    else throw new RangeError('a frame that makes no sense here');
  };
  const execute = async (id: number, body: Buffer): Promise<void> => {
    const controller = new AbortController();
    running.set(id, controller);
    try {
      const reply = await runner.run(decodeRequest(body), controller.signal);
      if (!socket.destroyed) writeFrame(socket, REPLY, id, encodeReply(reply));
    } catch {
      socket.destroy();
    } finally {
      running.delete(id);
    }
  };

  socket.on('data', (piece: Buffer) => {
    try {
      reader.push(piece);
    } catch {
      socket.destroy();
    }
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    for (const controller of running.values()) controller.abort();
  });
}
