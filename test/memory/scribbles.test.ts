/** A peer that writes where it must not ends no process, where memory is short, too. Drives the built package (dist/). */
import { execFileSync, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const small = mountTmpfs('8m');

describe.runIf(small !== undefined).each(['memfd', 'file', 'copy'])('a wild write, lane %s', (lane) => {
  it('over the first page leads nobody into pages that do not exist', async () => {
    const fixture = fileURLToPath(new URL('fixtures/scribble.mjs', import.meta.url));
    const child = fork(fixture, [lane, small ?? '']);
    const [said, ended] = await Promise.all([once(child, 'message'), once(child, 'exit')]);
    expect(ended).toEqual([0, null]);
    const [{ sharedKb, committedBytes }] = said;
    // Both sides are this process: what is mapped twice counts twice.
    expect(sharedKb * 1024).toBeLessThanOrEqual(2 * committedBytes + 4096);
  });
});

function mountTmpfs(size: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const folder = mkdtempSync(path.join(tmpdir(), 'pitwall-tmpfs-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]).status !== 0) {
    console.warn('SKIPPED: wild writes in a small tmpfs need the right to mount one (root)');
    rmSync(folder, { recursive: true });
    return undefined;
  }
  afterAll(() => {
    execFileSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true });
  });
  return folder;
}
