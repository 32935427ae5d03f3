/** A control group's limit, wherever it stands: beyond it, taking a page does not fail, it kills. Drives the built package (dist/). */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const MEBIBYTE = 2 ** 20;
const LIMIT = 256 * MEBIBYTE;
const inner = makeNestedGroups();

describe.runIf(inner !== undefined).each(['memfd', 'file', 'copy'])('lane %s', (lane) => {
  it('keeps within the limit of a group further out, as a pod has it', async () => {
    const folder = mkdtempSync('/dev/shm/pitwall-test-');
    const child = fork(fileURLToPath(new URL('fixtures/fill-up.mjs', import.meta.url)), [
      lane,
      folder,
      String(1024 * MEBIBYTE),
    ]);
    try {
      writeFileSync(path.join(inner ?? '', 'cgroup.procs'), String(child.pid));
      await once(child, 'message');
      const said = once(child, 'message');
      child.send('go');
      const ended = once(child, 'exit');
      const [{ taken }] = await Promise.race([
        said,
        ended.then(([code, signal]) => {
          throw new Error(`ended by ${signal ?? code}`);
        }),
      ]);
      expect(taken).toBeGreaterThan(8 * MEBIBYTE);
      expect(taken).toBeLessThan(LIMIT);
      expect(await ended).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** An outer group with the limit, an inner one without; version 1 or 2. @returns the inner one's directory */
function makeNestedGroups(): string | undefined {
  try {
    const own = readFileSync('/proc/self/cgroup', 'utf8');
    const v1 = /^\d+:memory:(.*)$/m.exec(own)?.[1];
    const parent =
      v1 === undefined ? `/sys/fs/cgroup${/^0::(.*)$/m.exec(own)?.[1] ?? ''}` : `/sys/fs/cgroup/memory${v1}`;
    const outer = path.join(parent, `pitwall-nest-${process.pid}`);
    const nested = path.join(outer, 'inner');
    mkdirSync(nested, { recursive: true });
    writeFileSync(path.join(outer, v1 === undefined ? 'memory.max' : 'memory.limit_in_bytes'), String(LIMIT));
    afterAll(() => {
      rmdirSync(nested);
      rmdirSync(outer);
    });
    return nested;
  } catch {
    console.warn('SKIPPED: the test in nested control groups needs the right to make them (root)');
    return undefined;
  }
}
