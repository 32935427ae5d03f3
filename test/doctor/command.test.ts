/** `pitwall doctor` on this machine, from a bare directory, as its user calls it. `PITWALL_LONG=1`: without any shared memory too. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { machineFingerprint } from '../../src/actors/machine-fingerprint.ts';
import { checkedCard, isSameMachine } from '../../src/learning/machine-card.ts';
import { start } from '../cli/support/command.ts';
import { temporaryFolder } from '../runtime/support.ts';

const MAIN = resolve('dist/cli/main.js');

/** Runs it in `cwd`; the shell is there only to change into the folder. */
async function doctor(cwd: string, args: readonly string[], main = MAIN) {
  const call = ['-c', 'cd "$0" && exec "$@"', cwd, process.execPath, '--unhandled-rejections=strict', main, 'doctor'];
  return start('sh', [...call, ...args]).ended;
}

/** A copy of the package that finds all its dependencies but one. */
function packageWithout(missing: string): string {
  const home = mkdtempSync(join(tmpdir(), 'pitwall-doctor-'));
  cpSync('dist', join(home, 'dist'), { recursive: true });
  cpSync('package.json', join(home, 'package.json'));
  mkdirSync(join(home, 'node_modules'));
  for (const name of readdirSync('node_modules')) {
    if (name.startsWith('.') || name === missing) continue;
    symlinkSync(realpathSync(join('node_modules', name)), join(home, 'node_modules', name));
  }
  return home;
}

let withoutKoffi = '';
beforeAll(() => {
  withoutKoffi = packageWithout('koffi');
});
afterAll(() => rmSync(withoutKoffi, { recursive: true, force: true }));

describe.runIf(process.platform === 'linux')('pitwall doctor', () => {
  it('measures this machine, stores its card, and leaves no other file', { timeout: 60_000 }, async () => {
    const folder = temporaryFolder();
    const { code, out, err } = await doctor(folder, ['--seconds', '0.5', '--json']);
    expect(err).toBe('');
    const { card, surroundings, storedIn, bothLanesWork, problems } = JSON.parse(out);
    expect([bothLanesWork, problems, storedIn]).toEqual([true, [], './pitwall-data']);
    expect(code).toBe(0);
    const checked = checkedCard(card);
    expect(isSameMachine(checked.machine, machineFingerprint())).toBe(true);
    expect(checked.windows.map(({ bytes }) => bytes)).toEqual([262_144, 1_048_576, 4_194_304]);
    expect(checked.zeroCopy?.transfers).toBeGreaterThanOrEqual(12);
    expect(surroundings.packages.map(({ name }: { name: string }) => name)).toContain('lmdb');
    expect(readdirSync(folder)).toEqual(['pitwall-data']);
  });

  it('without koffi says so, and measures the lane that reads and writes', { timeout: 60_000 }, async () => {
    const main = join(withoutKoffi, 'dist/cli/main.js');
    const folder = temporaryFolder();
    const { code, out } = await doctor(folder, ['--seconds', '0.5', '--no-store', '--json'], main);
    const { card, surroundings, advice, storedIn } = JSON.parse(out);
    expect(checkedCard(card).zeroCopy?.memoryLane).toBe('copy');
    expect(surroundings.sharedMemory).toEqual([
      { name: 'memfd', works: false, problem: 'koffi is not installed' },
      { name: 'file', works: false, problem: 'koffi is not installed' },
      { name: 'copy', works: true, problem: '' },
    ]);
    expect(advice).toContainEqual(expect.stringMatching(/lane copy.*npm install koffi/));
    expect([code, storedIn, readdirSync(folder)]).toEqual([0, null, []]);
  });

  it.runIf(process.env.PITWALL_LONG === '1')(
    'where memory cannot be shared says how to get it, in words; the answer is no',
    { timeout: 60_000 },
    async () => {
      const main = join(withoutKoffi, 'dist/cli/main.js');
      const folder = temporaryFolder();
      writeFileSync(join(folder, 'no-directory'), '');
      const args = ['--seconds', '0.5', '--no-store', '--shm-dir', join(folder, 'no-directory', 'shm')];
      const { code, out } = await doctor(folder, args, main);
      expect(out).toMatch(/shared memory {2}none/);
      expect(out).toMatch(/missing\n.*There is no shared memory, so every payload goes by gRPC: mount a tmpfs/);
      expect(out).toMatch(/gRPC +[\d.]+ (µs|ms)/);
      expect(code).toBe(1);
    },
  );
});
