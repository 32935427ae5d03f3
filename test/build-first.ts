/** Before the tests that drive the built package: builds it, unless dist/ already stands for these very sources. */
import { spawnSync } from 'node:child_process';

export default function buildFirst(): void {
  const built = spawnSync(process.execPath, ['scripts/build.js', '--if-stale'], { stdio: 'inherit' });
  if (built.status !== 0)
    console.error('the build has type errors: the tests of the built package run on what the compiler wrote');
}
