// @ts-check
/**
 * Compiles src/ into dist/. `--if-stale` does nothing where dist/ already stands for these very sources.
 *
 * The compiler writes beside dist/, and only files that differ are moved into it: a test or a host that runs from dist/ while someone
 * else builds sees every file whole, and files whose source is gone disappear. (tsc alone leaves those, and they would be published.)
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const page = join(root, 'src', 'dashboard', 'page');
const stamp = join(root, '.tmp', 'build-stamp');

const inputs = hashOfInputs();
if (process.argv.includes('--if-stale') && existsSync(dist) && readStamp() === inputs) process.exit(0);
process.exit(build());

/** @returns {number} the compiler's exit code: with type errors dist/ is written all the same, but the build has failed */
function build() {
  const fresh = join(root, '.tmp', `dist-${process.pid}`);
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const compiled = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', fresh], {
    // What a compiler says is an error to the reader even where stdout is somebody's data (`npm start -- --json`).
    stdio: ['ignore', 2, 2],
  });
  // The dashboard's page is served as it is written.
  if (existsSync(fresh))
    cpSync(page, join(fresh, 'dashboard', 'page'), { recursive: true, filter: (path) => !path.endsWith('.ts') });
  if (existsSync(fresh)) replaceDist(fresh);
  rmSync(fresh, { recursive: true, force: true });
  const code = compiled.status ?? 1;
  if (code === 0) writeFileSync(stamp, inputs);
  else rmSync(stamp, { force: true });
  return code;
}

/** @param {string} fresh */
function replaceDist(fresh) {
  const wanted = new Set(filesUnder(fresh));
  for (const path of wanted) {
    const target = join(dist, path);
    if (existsSync(target) && readFileSync(target).equals(readFileSync(join(fresh, path)))) continue;
    mkdirSync(dirname(target), { recursive: true });
    renameSync(join(fresh, path), target);
  }
  for (const path of existsSync(dist) ? filesUnder(dist) : []) {
    if (!wanted.has(path)) rmSync(join(dist, path), { force: true });
  }
}

function hashOfInputs() {
  const hash = createHash('sha256');
  const sources = filesUnder(join(root, 'src')).map((path) => join('src', path));
  for (const path of [...sources, 'tsconfig.json', 'tsconfig.build.json', 'package.json'].sort()) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0');
  }
  return hash.digest('hex');
}

function readStamp() {
  return existsSync(stamp) ? readFileSync(stamp, 'utf8') : '';
}

/**
 * @param {string} folder
 * @returns {string[]} paths relative to the folder
 */
function filesUnder(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}
