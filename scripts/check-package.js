// @ts-check
/**
 * Checks the package as it would be published: packs it as it stands (run the build first), then asks `publint` whether its manifest and
 * files agree, and `attw` whether its types resolve as its code does. Profile esm-only: `require('pitwall')` works through Node's own
 * require(esm), and the old CommonJS resolution is not promised.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, '.tmp', `package-${process.pid}`);
mkdirSync(folder, { recursive: true });
try {
  const packed = run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], 'pipe');
  const tarball = join(folder, JSON.parse(packed)[0].filename);
  run('npx', ['--no-install', 'publint', 'run', '--strict', tarball], 'inherit');
  run('npx', ['--no-install', 'attw', '--profile', 'esm-only', '--no-emoji', tarball], 'inherit');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {'pipe' | 'inherit'} stdout
 * @returns {string}
 */
function run(command, args, stdout) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', stdout, 'inherit'], encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`${command} ${args[0]} ended with ${result.status ?? result.signal}`);
  return result.stdout ?? '';
}
