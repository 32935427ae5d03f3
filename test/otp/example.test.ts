import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

// The example of a host's own actors, on the built package (dist/).

it('examples/host-actors.ts runs, loses an actor on purpose, and ends by itself', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const args = ['--unhandled-rejections=strict', 'scripts/run-ts.js', 'examples/host-actors.ts'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('limiter    worker      waiting     restarts 1');
  expect(stdout).toContain('audit: ann: true, ann: true, ann: false, nobody: call to limiter failed');
});
