// Runs a TypeScript program of this folder: node scripts/otp/run.mjs PROGRAM [ARGUMENTS]. Node 20 reads no TypeScript, so the program is
// bundled first; packages stay outside of the bundle.
import { rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const [, , program, ...rest] = process.argv;
if (program === undefined) throw new Error('which program?');
const folder = join(root, '.tmp', `otp-${process.pid}`);
const outfile = join(folder, 'program.mjs');
await mkdir(folder, { recursive: true });
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
await build({
  entryPoints: [resolve(program)],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'warning',
});
process.argv = [process.argv[0], program, ...rest];
await import(pathToFileURL(outfile).href);
