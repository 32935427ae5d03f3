/** The least that a message between two processes costs on this machine: a bare Unix socket, and a process that echoes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const SERVER = `
require('node:net').createServer((socket) => socket.on('data', (bytes) => socket.write(bytes))).listen(process.argv[1], () => process.stdout.write('ready'));
process.stdin.on('end', () => process.exit(0)).resume();
`;
/** About what a reference and its request take. */
const MESSAGE = Buffer.alloc(300);

export class SocketEcho {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #socket: Socket;
  #answered: () => void = () => undefined;

  private constructor(folder: string, child: ChildProcess, socket: Socket) {
    this.#folder = folder;
    this.#child = child;
    this.#socket = socket;
    socket.on('data', () => this.#answered());
  }

  static async start(): Promise<SocketEcho> {
    const folder = mkdtempSync(path.join(tmpdir(), 'bench-'));
    const address = path.join(folder, 's');
    const child = spawn(process.execPath, ['-e', SERVER, address], { stdio: ['pipe', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    const socket = connect(address);
    await once(socket, 'connect');
    return new SocketEcho(folder, child, socket);
  }

  roundTrip(): Promise<void> {
    return new Promise((resolve) => {
      this.#answered = resolve;
      this.#socket.write(MESSAGE);
    });
  }

  close(): void {
    this.#socket.destroy();
    this.#child.stdin?.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
