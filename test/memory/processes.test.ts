/** Shared memory between real processes of the built package (dist/): what a crash leaves, what a full tmpfs does, what a long life costs. */
import { type ChildProcess, execFileSync, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { platform, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { ArenaDescriptor, ArenaStats, MemoryLane, Reference } from '../../src/transports/memory/types.ts';

const LANES: readonly MemoryLane[] = ['memfd', 'file', 'copy'];
const MEBIBYTE = 2 ** 20;
const cleanUps: (() => void)[] = [];

afterEach(() => {
  while (cleanUps.length > 0) cleanUps.pop()?.();
});

function fixture(name: string): string {
  return fileURLToPath(new URL(`fixtures/${name}.mjs`, import.meta.url));
}

interface Started {
  readonly child: ChildProcess;
  readonly exited: Promise<unknown[]>;
}

function start(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = process.cwd()): Started {
  const execArgv = ['--unhandled-rejections=strict', '--expose-gc'];
  const child = fork(fixture(name), args, { execArgv, env: { ...process.env, ...env }, cwd });
  cleanUps.push(() => child.kill('SIGKILL'));
  return { child, exited: once(child, 'exit') };
}

/** The next message, or an error if the process ends without one. */
async function next<T>({ child, exited }: Started, message?: string | object): Promise<T> {
  const answer = once(child, 'message');
  if (message !== undefined) child.send(message);
  const ended = exited.then(([code, signal]) => {
    throw new Error(`ended with code ${code}, signal ${signal}`);
  });
  const [value] = await Promise.race([answer, ended]);
  return value;
}

function scratch(): string {
  const folder = mkdtempSync('/dev/shm/pitwall-test-');
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface Opened {
  readonly descriptor: ArenaDescriptor;
  readonly reference: Reference;
}

describe.runIf(platform() === 'linux').each(LANES)('lane %s between processes', (lane) => {
  it('carries bytes to a worker and back', async () => {
    const host = start('host', [lane, scratch()]);
    const { descriptor, reference } = await next<Opened>(host);
    const worker = start('worker', []);
    await next(worker);
    await next(worker, { attach: descriptor });
    expect(await next(worker, { read: reference })).toEqual({ length: MEBIBYTE, first: 7, last: 7 });
    await next(worker, { write: reference, fill: 9 });
    host.child.send('refresh');
    expect(await next(host, 'read')).toEqual({ first: 9, last: 9 });
    expect(await next(worker, { read: { ...reference, length: 1 } })).toEqual({ error: 'PITWALL_SHM_REFERENCE' });
  });

  it('outlives the worker that is killed, and the worker its host', async () => {
    const shmDir = scratch();
    const host = start('host', [lane, shmDir]);
    const { descriptor, reference } = await next<Opened>(host);
    const killed = start('worker', []);
    await next(killed);
    await next(killed, { attach: descriptor });
    killed.child.kill('SIGKILL');
    await killed.exited;
    expect(await next(host, 'read')).toEqual({ first: 7, last: 7 });

    const worker = start('worker', []);
    await next(worker);
    await next(worker, { attach: descriptor });
    host.child.kill('SIGKILL');
    await host.exited;
    expect(await next(worker, { read: reference })).toEqual({ length: MEBIBYTE, first: 7, last: 7 });
    await next(worker, { write: reference, fill: 1 });
  });

  it('leaves nothing of a host that was killed, and all of one that lives', async () => {
    const shmDir = scratch();
    const living = start('host', ['file', shmDir]);
    const { descriptor } = await next<Opened>(living);
    const dead = start('host', [lane, shmDir]);
    await next(dead);
    dead.child.kill('SIGKILL');
    await dead.exited;
    if (lane === 'memfd') expect(readdirSync(shmDir)).toHaveLength(1);
    // Whichever lane the next host takes.
    const after = start('host', [lane, shmDir]);
    await next(after);
    after.child.send('close');
    await after.exited;
    expect(readdirSync(shmDir)).toHaveLength(1);
    expect(existsSync(descriptor.path)).toBe(true);
  });

  // In full on the lane that serves; the others have the same code around fewer calls of the system.
  const [attaches, leases] = lane === 'memfd' ? [1_000, 100_000] : [200, 20_000];

  it(`holds the same after ${attaches} attaches and ${leases} leases`, async () => {
    const soak = start('soak', [lane, scratch(), String(attaches), String(leases)]);
    interface Holdings {
      readonly descriptors: number;
      readonly maps: number;
      readonly regions: number;
      readonly sharedKb: number;
      readonly addressesKb: number;
      readonly files: number;
    }
    const { before, after, during, end } = await next<{
      before: Holdings;
      after: Holdings;
      during: { stats: ArenaStats; descriptors: number };
      end: Holdings;
    }>(soak);
    for (const held of [before, after, end]) expect(held).toMatchObject({ regions: 0, files: 0, sharedKb: 0 });
    expect(after.descriptors).toBe(before.descriptors);
    expect(end.descriptors).toBe(before.descriptors);
    // The engine's own mappings come and go; two thousand leaked ones, 1 MiB each, would show.
    for (const held of [after, end]) {
      expect(held.maps - before.maps).toBeLessThan(800);
      // Lane copy maps nothing: its memory is the engine's, which frees when it likes.
      if (lane !== 'copy') expect(held.addressesKb - before.addressesKb).toBeLessThan(800 * 1024);
    }
    expect(during.stats).toMatchObject({ leases: 0, leasedBytes: 0, refused: 0 });
    expect(during.stats.committedBytes).toBeLessThan(16 * 200_064 * 2);
    expect(await soak.exited).toEqual([0, null]);
  });
});

const smallTmpfs = mountSmallTmpfs();

describe.runIf(smallTmpfs !== undefined)('a tmpfs of 64 MB', () => {
  const small = smallTmpfs ?? '';

  it.each(['file', 'copy'])('is used up to its end and no further, lane %s', async (lane) => {
    const host = start('fill-up', [lane, small, String(256 * MEBIBYTE)]);
    const { roomBytes } = await next<{ roomBytes: number }>(host);
    expect(roomBytes).toBeLessThanOrEqual(64 * MEBIBYTE);
    const { taken } = await next<{ taken: number }>(host, 'go');
    expect(taken).toBeGreaterThan(48 * MEBIBYTE);
    expect(taken).toBeLessThan(64 * MEBIBYTE);
    expect(await host.exited).toEqual([0, null]);
    emptied(small);
  });

  it.each(['file', 'copy'])('that another fills up ends nobody, lane %s', async (lane) => {
    const host = start('fill-up', [lane, small, String(256 * MEBIBYTE)]);
    await next(host);
    fillUp(small);
    const { taken, stats } = await next<{ taken: number; stats: ArenaStats }>(host, 'go');
    expect(taken).toBeLessThan(4 * MEBIBYTE);
    expect(stats.refused).toBeGreaterThan(0);
    expect(await host.exited).toEqual([0, null]);
    emptied(small);
  });

  it('that is full gives no region, and says so; the lane without a name still works', async () => {
    fillUp(small);
    const script = `
      import { openArena } from ${JSON.stringify(pathToFileURL(path.resolve('dist/transports/memory/open-arena.js')).href)};
      for (const lane of ['file', 'copy', 'auto']) {
        const options = { bytes: 2 ** 20, lane, shmDir: ${JSON.stringify(small)}, nowMs: Date.now };
        console.log(await openArena(options).then((arena) => arena.lane, (error) => error.code));
      }`;
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect(run.stdout.trim().split('\n')).toEqual(['PITWALL_SHM_UNAVAILABLE', 'PITWALL_SHM_UNAVAILABLE', 'memfd']);
    emptied(small);
  });

  it('would end a process that stores into what it never allocated (the canary)', async () => {
    fillUp(small);
    const { exited } = start('sigbus', [small]);
    expect(await exited).toEqual([null, 'SIGBUS']);
    emptied(small);
  });
});

const group = makeControlGroup(256 * MEBIBYTE);

describe.runIf(group !== undefined)('a control group of 256 MB', () => {
  it('is not exceeded: the process lives, and gets what there is', async () => {
    const host = start('fill-up', ['memfd', scratch(), String(1024 * MEBIBYTE)], {}, process.cwd());
    writeFileSync(path.join(group ?? '', 'cgroup.procs'), String(host.child.pid));
    await next(host);
    const { taken } = await next<{ taken: number }>(host, 'go');
    expect(taken).toBeGreaterThan(16 * MEBIBYTE);
    expect(taken).toBeLessThan(256 * MEBIBYTE);
    expect(await host.exited).toEqual([0, null]);
  });
});

describe.runIf(platform() === 'linux')('without native code', () => {
  it('auto takes the lane that copies, and says why not the others', async () => {
    const home = mkdtempSync(path.join(tmpdir(), 'pitwall-no-koffi-'));
    cleanUps.push(() => rmSync(home, { recursive: true, force: true }));
    cpSync('dist', path.join(home, 'dist'), { recursive: true });
    writeFileSync(path.join(home, 'package.json'), '{"type":"module"}');
    const env = { PITWALL_DIST: pathToFileURL(`${home}/dist/`).href };
    const host = start('fill-up', ['auto', scratch(), String(16 * MEBIBYTE)], env, home);
    expect(await next(host)).toMatchObject({ lane: 'copy', first: true });
    const { taken } = await next<{ taken: number }>(host, 'go');
    expect(taken).toBeGreaterThan(8 * MEBIBYTE);
    expect(await host.exited).toEqual([0, null]);
    const refused = start('host', ['memfd', scratch()], env, home);
    expect(await next(refused)).toMatchObject({
      code: 'PITWALL_SHM_UNAVAILABLE',
      message: expect.stringContaining('koffi is not installed'),
    });
  });
});

function fillUp(folder: string): void {
  const file = path.join(folder, 'filler');
  try {
    for (;;) writeFileSync(file, Buffer.alloc(64 * 1024, 1), { flag: 'a' });
  } catch {
    // Full, but for less than such a piece.
  }
  const { bavail, bsize } = statfsSync(folder);
  if (bavail > 0) writeFileSync(`${file}-end`, Buffer.alloc(bavail * bsize, 1));
}

function emptied(folder: string): void {
  for (const name of readdirSync(folder)) rmSync(path.join(folder, name), { recursive: true });
}

function mountSmallTmpfs(): string | undefined {
  if (platform() !== 'linux') return undefined;
  const folder = mkdtempSync(path.join(tmpdir(), 'pitwall-tmpfs-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', folder]);
  if (mounted.status !== 0) {
    console.warn('SKIPPED: the tests in a tmpfs of 64 MB need the right to mount one (root)');
    rmSync(folder, { recursive: true });
    return undefined;
  }
  afterAll(() => {
    execFileSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true });
  });
  return folder;
}

/** A group below this process's own, version 1 or 2. */
function makeControlGroup(limit: number): string | undefined {
  try {
    const own = readFileSync('/proc/self/cgroup', 'utf8');
    const v1 = /^\d+:memory:(.*)$/m.exec(own)?.[1];
    const parent =
      v1 === undefined ? `/sys/fs/cgroup${/^0::(.*)$/m.exec(own)?.[1] ?? ''}` : `/sys/fs/cgroup/memory${v1}`;
    const folder = path.join(parent, `pitwall-test-${process.pid}`);
    mkdirSync(folder);
    writeFileSync(path.join(folder, v1 === undefined ? 'memory.max' : 'memory.limit_in_bytes'), String(limit));
    afterAll(() => rmdirSync(folder));
    return folder;
  } catch {
    console.warn('SKIPPED: the test in a control group needs the right to make one (root)');
    return undefined;
  }
}
