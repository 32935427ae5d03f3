/** The host's end of the control channel: a Unix socket on which references go out and replies come back. */
import { connect, type Socket } from 'node:net';
import { workerLost } from './errors.ts';
import { CANCEL, type Frame, FrameReader, REPLY, REQUEST, writeFrame } from './frames.ts';
import { decodeReply, type ExecuteRequest, encodeRequest } from './messages.ts';
import { type CallOptions, Sent } from './sent.ts';

/** Sends requests whose payload lies in shared memory. */
export interface Courier {
  send(request: ExecuteRequest, options: CallOptions): Sent;
  close(): void;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** Results that found no place in shared memory come in the reply. */
const MAX_REPLY = 2 ** 31;

/** Connects. `onLost` is called once, when the channel ends by itself. @throws what the system says */
export function connectControl(path: string, onLost: () => void): Promise<Courier> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const timer = setTimeout(() => socket.destroy(new Error('no answer')), CONNECT_TIMEOUT_MS);
    socket.once('error', reject);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', reject);
      resolve(new ControlClient(socket, onLost));
    });
    socket.once('close', () => clearTimeout(timer));
  });
}

interface Entry {
  readonly sent: Sent;
  readonly command: string;
}

class ControlClient implements Courier {
  readonly #socket: Socket;
  readonly #pending = new Map<number, Entry>();
  readonly #onLost: () => void;
  #lastId = 0;
  #closing = false;

  constructor(socket: Socket, onLost: () => void) {
    this.#socket = socket;
    this.#onLost = onLost;
    const reader = new FrameReader(MAX_REPLY, (frame) => this.#handle(frame));
    socket.on('data', (piece: Buffer) => {
      try {
        reader.push(piece);
      } catch {
        // A worker that talks nonsense is no worker.
        socket.destroy();
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#lost());
    socket.unref();
  }

  send(request: ExecuteRequest, options: CallOptions): Sent {
    const id = this.#nextId();
    const sent = new Sent(request.command, options, () => this.#cancel(id));
    if (this.#socket.destroyed) {
      sent.fail(workerLost(request.command, undefined, { ran: false }));
      return sent;
    }
    if (this.#pending.size === 0) this.#socket.ref();
    this.#pending.set(id, { sent, command: request.command });
    writeFrame(this.#socket, REQUEST, id, encodeRequest(request));
    return sent;
  }

  close(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId + 1) >>> 0;
    while (this.#pending.has(this.#lastId));
    return this.#lastId;
  }

  #cancel(id: number): void {
    if (!this.#socket.destroyed) writeFrame(this.#socket, CANCEL, id);
  }

  #handle({ kind, id, body }: Frame): void {
    const entry = this.#pending.get(id);
    if (kind !== REPLY || entry === undefined) throw new RangeError('a frame that makes no sense here');
    const reply = decodeReply(body);
    this.#forget(id);
    entry.sent.finish(reply);
  }

  #forget(id: number): void {
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#socket.unref();
  }

  #lost(): void {
    const entries = [...this.#pending.values()];
    this.#pending.clear();
    for (const { sent, command } of entries) sent.fail(workerLost(command, undefined));
    if (!this.#closing) this.#onLost();
  }
}
