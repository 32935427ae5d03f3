import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterEach, describe, expect, it } from 'vitest';
import { createResourceSampler, type ResourceSampler } from '../../src/actors/resource-sampler.ts';

const MIB = 1_048_576;
const onLinux = process.platform === 'linux';
const undo: (() => void)[] = [];
afterEach(() => {
  for (const each of undo.splice(0)) each();
});

function started(options: Parameters<typeof createResourceSampler>[0]): ResourceSampler {
  const sampler = createResourceSampler(options);
  undo.push(() => sampler.stop());
  return sampler;
}

/** A `/proc` of its own, with the control groups it speaks of beside it. */
function machine(files: Record<string, string>): { procDir: string; write(name: string, text: string): void } {
  const root = mkdtempSync(join(tmpdir(), 'pitwall-proc-'));
  undo.push(() => rmSync(root, { recursive: true, force: true }));
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text.replaceAll('$ROOT', root));
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  return { procDir: join(root, 'proc'), write };
}

const meminfo = (totalMb: number, availableMb: number) =>
  `MemTotal: ${totalMb * 1024} kB\nMemAvailable: ${availableMb * 1024} kB\n`;
const v2 = {
  'proc/self/cgroup': '0::/app\n',
  'proc/self/mountinfo': '1 2 0:30 / $ROOT/groups rw - cgroup2 cgroup rw\n',
};

describe('on this machine', () => {
  it('measures everything, in range', async () => {
    const sampler = started({ shmDir: tmpdir(), clock: { now: () => performance.now() } });
    // The first window of the cpu is over when enough of its ticks went by.
    let sample = sampler.sample();
    while (sample.systemLoad === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      sample = sampler.sample();
    }
    expect(sample.systemLoad).toBeGreaterThanOrEqual(0);
    expect(sample.systemLoad).toBeLessThanOrEqual(1);
    expect(sample.memoryLoad).toBeGreaterThan(0);
    expect(sample.memoryLoad).toBeLessThanOrEqual(1);
    expect(sample.availableMemory).toBeGreaterThan(0);
    expect(sample.availableMemory).toBeLessThanOrEqual(totalmem());
    expect(sample.sharedMemoryRoom).toBeGreaterThan(0);
    expect(sample.eventLoopDelayUs).toBeGreaterThanOrEqual(0);
  });

  it('sees a loop that was blocked', async () => {
    const sampler = started({ shmDir: undefined, clock: { now: () => 0 } });
    sampler.sample();
    const until = performance.now() + 100;
    while (performance.now() < until);
    expect(sampler.sample().eventLoopDelayUs).toBeGreaterThanOrEqual(80_000);
    expect(sampler.sample().eventLoopDelayUs).toBeLessThan(80_000);
  });

  it.runIf(onLinux)('gives back its files, and knows nothing afterwards', () => {
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    const sampler = createResourceSampler({ shmDir: tmpdir(), clock: { now: () => 7 } });
    for (let index = 0; index < 100; index += 1) sampler.sample();
    sampler.stop();
    sampler.stop();
    expect(sampler.sample()).toMatchObject({ atMs: 7, systemLoad: undefined, memoryLoad: undefined });
    expect(open()).toBe(before);
  });

  it('does not keep a process alive that forgot to stop it', async () => {
    const source = new URL('../../src/actors/resource-sampler.ts', import.meta.url).pathname;
    const { outputFiles } = await build({
      stdin: {
        contents: `import { createResourceSampler } from ${JSON.stringify(source)};
          const sampler = createResourceSampler({ shmDir: undefined, clock: { now: () => 0 } });
          process.stdout.write(sampler.sample().atMs + ' sampled');`,
        resolveDir: process.cwd(),
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      write: false,
    });
    const script = outputFiles[0]?.text ?? '';
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], { timeout: 20_000 });
    const { stdout } = await run;
    expect(stdout).toBe('0 sampled');
  });
});

describe('a machine described by its files', () => {
  const clock = { now: () => 0 };

  it('cpu: the busy share since the sample before, the same again where too little time went by', () => {
    const { procDir, write } = machine({
      'proc/stat': 'cpu  100 0 0 900 0 0 0 0 0 0\n',
      'proc/meminfo': meminfo(1000, 500),
    });
    const sampler = started({ procDir, shmDir: undefined, clock });
    expect(sampler.sample().systemLoad).toBeUndefined();
    write('proc/stat', 'cpu  115 0 0 905 0 0 0 0 0 0\n');
    expect(sampler.sample().systemLoad).toBe(0.75);
    write('proc/stat', 'cpu  115 0 0 906 0 0 0 0 0 0\n');
    expect(sampler.sample().systemLoad).toBe(0.75);
    write('proc/stat', 'cpu  115 0 0 1005 0 0 0 0 0 0\n');
    expect(sampler.sample().systemLoad).toBe(0);
  });

  it('cpu: counters that run backwards give no nonsense', () => {
    const { procDir, write } = machine({ 'proc/stat': 'cpu  5000 0 0 5000\n' });
    const sampler = started({ procDir, shmDir: undefined, clock });
    write('proc/stat', 'cpu  2500 0 0 2500\n');
    expect(sampler.sample().systemLoad).toBeUndefined();
    write('proc/stat', 'cpu  2510 0 0 2530\n');
    expect(sampler.sample().systemLoad).toBe(0.25);
  });

  it('memory without a limit is the memory of the machine', () => {
    const { procDir } = machine({
      'proc/meminfo': meminfo(1000, 250),
      ...v2,
      'groups/app/memory.max': 'max\n',
      'groups/app/memory.current': '1\n',
    });
    const sample = started({ procDir, shmDir: undefined, clock }).sample();
    expect(sample).toMatchObject({ memoryLoad: 0.75, availableMemory: 250 * MIB, sharedMemoryRoom: 250 * MIB });
  });

  it.each([
    ['v2', v2, 'groups/app', 'memory.max', 'memory.current', 'inactive_file'],
    [
      'v1',
      {
        'proc/self/cgroup': '4:memory:/app\n',
        'proc/self/mountinfo': '1 2 0:30 / $ROOT/groups rw - cgroup cgroup rw,memory\n',
      },
      'groups/app',
      'memory.limit_in_bytes',
      'memory.usage_in_bytes',
      'total_inactive_file',
    ],
  ])('memory with a limit (%s) is what the limit leaves, page cache aside', (_, proc, group, limit, usage, cache) => {
    const { procDir } = machine({
      'proc/meminfo': meminfo(1000, 900),
      ...proc,
      [`${group}/${limit}`]: `${100 * MIB}\n`,
      [`${group}/${usage}`]: `${90 * MIB}\n`,
      [`${group}/memory.stat`]: `${cache} ${30 * MIB}\n`,
    });
    expect(started({ procDir, shmDir: undefined, clock }).sample()).toMatchObject({
      memoryLoad: 0.6,
      availableMemory: 40 * MIB,
    });
  });

  it('memory: the tightest of all groups above counts, and the machine where that is fuller', () => {
    const { procDir, write } = machine({
      'proc/meminfo': meminfo(1000, 900),
      ...v2,
      'groups/app/memory.max': `${500 * MIB}\n`,
      'groups/app/memory.current': `${50 * MIB}\n`,
      'groups/memory.high': `${100 * MIB}\n`,
      'groups/memory.max': 'max\n',
      'groups/memory.current': `${70 * MIB}\n`,
    });
    const sampler = started({ procDir, shmDir: undefined, clock });
    expect(sampler.sample()).toMatchObject({ memoryLoad: 0.7, availableMemory: 30 * MIB });
    write('proc/meminfo', meminfo(1000, 10));
    expect(sampler.sample()).toMatchObject({ memoryLoad: 0.99, availableMemory: 10 * MIB });
  });

  it('memory: a limit that comes later is found', () => {
    let nowMs = 0;
    const { procDir, write } = machine({
      'proc/meminfo': meminfo(1000, 900),
      ...v2,
      'groups/app/memory.current': `${50 * MIB}\n`,
    });
    const sampler = started({ procDir, shmDir: undefined, clock: { now: () => nowMs } });
    expect(sampler.sample().availableMemory).toBe(900 * MIB);
    write('groups/app/memory.max', `${80 * MIB}\n`);
    nowMs = 10_000;
    expect(sampler.sample().availableMemory).toBe(30 * MIB);
  });

  it.runIf(onLinux)('room for shared memory is the least of disk space, memory and configuration', () => {
    const free = statfsSync('/proc/self').bavail; // 0: procfs has no room
    const { procDir } = machine({ 'proc/meminfo': meminfo(1000, 250) });
    expect(started({ procDir, shmDir: '/proc/self', clock }).sample().sharedMemoryRoom).toBe(free);
    expect(started({ procDir, shmDir: undefined, sharedMemoryLimit: MIB, clock }).sample().sharedMemoryRoom).toBe(MIB);
    expect(started({ procDir, shmDir: '/not/there', clock }).sample().sharedMemoryRoom).toBeUndefined();
  });

  it('elsewhere than on Linux, the operating system is asked', () => {
    const sample = started({ procDir: '/not/there', shmDir: undefined, clock }).sample();
    expect(sample.memoryLoad).toBeGreaterThan(0);
    expect(sample.availableMemory).toBeLessThanOrEqual(totalmem());
  });

  it('files of nonsense, and a directory in place of a file, give undefined and no throw', () => {
    const { procDir } = machine({ 'proc/stat/x': '', 'proc/meminfo': 'MemTotal: many\n', 'proc/self/cgroup/x': '' });
    expect(started({ procDir, shmDir: undefined, clock }).sample()).toMatchObject({
      memoryLoad: undefined,
      availableMemory: undefined,
    });
  });
});
