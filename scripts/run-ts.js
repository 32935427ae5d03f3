// @ts-check
/**
 * Runs a TypeScript file of this checkout (a benchmark, an example) on a Node that cannot: `node scripts/run-ts.js bench/main.ts [args]`.
 *
 * The entry file and what it imports by relative path are bundled into .tmp/run/; packages stay outside, so that `pitwall` is the built
 * package, found by self-reference, with its worker files. `import.meta.url` in the entry is that of the original file.
 */
import { mkdirSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const [entry, ...args] = process.argv.slice(2);
if (entry === undefined) {
  console.error('usage: node scripts/run-ts.js FILE.ts [arguments]');
  process.exit(2);
}

const source = resolve(entry);
const outDir = join(root, '.tmp', 'run', dirname(relative(root, source)));
const outFile = join(outDir, `${basename(source, '.ts')}.mjs`);
mkdirSync(outDir, { recursive: true });
await build({
  entryPoints: [source],
  outfile: outFile,
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: 'inline',
  define: { 'import.meta.url': JSON.stringify(pathToFileURL(source).href) },
  logLevel: 'warning',
});
process.setSourceMapsEnabled(true);
process.argv = [process.execPath, outFile, ...args];
await import(pathToFileURL(outFile).href);
