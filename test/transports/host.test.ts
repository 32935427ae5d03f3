/** Whole hosts, as processes of their own (`pitwall` from dist/): killed, left idle, shut down. Whatever happens, nothing is left behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isAlive, until } from './support.ts';

const HOST = fileURLToPath(new URL('./fixtures/host.mjs', import.meta.url));

interface Host {
  readonly child: ChildProcess;
  /** Where its temporary files lie. */
  readonly folder: string;
  /** The next line that it prints. */
  next(): Promise<Record<string, unknown>>;
  readonly exit: Promise<number | string | null>;
}

function startHost(mode: string, ...rest: string[]): Host {
  const folder = mkdtempSync(path.join(tmpdir(), 'pw '));
  const child = spawn(process.execPath, ['--unhandled-rejections=strict', HOST, mode, ...rest], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    folder,
    next: async () => JSON.parse((await lines.next()).value ?? '{}'),
    exit: new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code))),
  };
}

/** What pitwall left in a folder: sockets, regions, directories. */
function leftovers(folder: string): string[] {
  return existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.startsWith('pitwall'))
    : [];
}

async function workersOf(host: Host): Promise<number[]> {
  const { pids } = await host.next();
  const known = Array.isArray(pids) ? pids.map(Number) : [];
  expect(known.every(isAlive)).toBe(true);
  return known;
}

describe('a host that is killed', () => {
  it('leaves no worker, no socket, no folder', async () => {
    const host = startHost('wait');
    const pids = await workersOf(host);
    expect(leftovers(host.folder).filter((name) => name.endsWith('.sock'))).toHaveLength(2);
    host.child.kill('SIGKILL');
    expect(await host.exit).toBe('SIGKILL');
    await until(() => !pids.some(isAlive), 'the end of the workers');
    await until(() => leftovers(host.folder).length === 0, 'the end of the files');
  });

  it('also where no handler ever yields', async () => {
    const host = startHost('spin');
    const pids = await workersOf(host);
    await new Promise((resolve) => setTimeout(resolve, 300));
    host.child.kill('SIGKILL');
    await until(() => !pids.some(isAlive), 'the end of the workers');
    await until(() => leftovers(host.folder).length === 0, 'the end of the files');
  });

  it('its folder is cleared by the next host, where its workers could not', async () => {
    const first = startHost('wait');
    const pids = await workersOf(first);
    for (const pid of [...pids, first.child.pid ?? 0]) process.kill(pid, 'SIGKILL');
    await until(() => ![...pids, first.child.pid ?? 0].some(isAlive), 'the end');
    expect(leftovers(first.folder).length).toBeGreaterThan(0);
    const { openProcessFolder, removeInside } = await import('../../src/transports/process-folder.ts');
    const own = openProcessFolder(first.folder);
    expect(leftovers(first.folder)).toEqual([path.basename(own)]);
    removeInside(path.join(own, 'pool'));
    expect(leftovers(first.folder)).toEqual([]);
  });
});

describe('a host that has nothing more to do', () => {
  it('ends by itself, with an idle pool that nobody closed; its workers follow', async () => {
    const host = startHost('idle');
    const pids = await workersOf(host);
    expect(await host.next()).toEqual({ answer: 'idle now' });
    expect(await host.exit).toBe(0);
    await until(() => !pids.some(isAlive), 'the end of the workers');
    await until(() => leftovers(host.folder).length === 0, 'the end of the files');
  });

  it('shuts down the runtime: the pool goes with it', async () => {
    const host = startHost('shutdown');
    const pids = await workersOf(host);
    expect(await host.next()).toEqual({ state: 'stopped' });
    expect(await host.exit).toBe(0);
    expect(pids.some(isAlive)).toBe(false);
    expect(leftovers(host.folder)).toEqual([]);
  });
});

describe('little shared memory', () => {
  it('64 MB, and 100 MB to move: gRPC takes it, exit 0', async () => {
    const host = startHost('large', '1', String(64e6));
    await workersOf(host);
    expect(await host.next()).toMatchObject({ bytes: 100e6, lane: 'grpc' });
    expect(await host.next()).toMatchObject({ counts: { failures: 0 }, problem: null });
    expect(await host.exit).toBe(0);
  });
});
