/**
 * The package as its user gets it: packed, installed from the tarball into an empty folder whose path has a space, and used from ESM, from
 * CommonJS (through Node's require(esm)), from an esbuild bundle and from TypeScript. Everything here comes from dist/.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const complete = existsSync('dist/runtime.js') && existsSync('dist/transports/index.js');
if (!complete)
  console.warn('SKIPPED: the consumer test needs the runtime and the transports, and they are not built yet');

/** Native code and what starts threads from its own files: no bundler can carry these, a host leaves them outside. */
const neverBundled = ['koffi', 'lmdb', 'piscina'];

describe.skipIf(!complete)('the packed package, installed', () => {
  let home = '';

  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'pitwall consumer '));
    const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', home], {
      encoding: 'utf8',
    });
    const [{ filename }] = JSON.parse(packed);
    cpSync('test/package/consumer', home, { recursive: true });
    writeFileSync(join(home, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
    const quiet = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
    execFileSync('npm', ['install', ...quiet, `./${filename}`], { cwd: home, stdio: ['ignore', 'inherit', 'inherit'] });
  }, 180_000);

  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it('ships what it needs and nothing else', () => {
    const shipped = readdirSync(join(home, 'node_modules/pitwall')).sort();
    expect(shipped).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'dist',
      'docs',
      'monitoring',
      'package.json',
      'proto',
      'python',
    ]);
  });

  it('brings no OpenTelemetry SDK and no development package along', () => {
    const installed = readdirSync(join(home, 'node_modules/@opentelemetry'));
    expect(installed.sort()).toEqual(['api', 'api-logs']);
    expect(existsSync(join(home, 'node_modules/vega-datasets'))).toBe(false);
  });

  it('works from ESM', () => expectBothLanes(run('esm.mjs')));

  it('works from CommonJS', () => expectBothLanes(run('commonjs.cjs')));

  it('works from a bundle, which finds its worker files in the installed package', async () => {
    await build({
      entryPoints: [join(home, 'esm.mjs')],
      outfile: join(home, 'bundled/host.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      external: neverBundled,
      // CommonJS packages inside an ESM bundle call require() for Node's own modules: esbuild's documented remedy.
      banner: {
        js: "import { createRequire as bannerRequire } from 'node:module'; const require = bannerRequire(import.meta.url);",
      },
      logLevel: 'error',
    });
    cpSync(join(home, 'worker.mjs'), join(home, 'bundled/worker.mjs'));
    expectBothLanes(run('bundled/host.mjs'));
  });

  it('compiles for a strict TypeScript user who checks library types too', () => {
    mkdirSync(join(home, 'node_modules/@types'), { recursive: true });
    cpSync('node_modules/@types/node', join(home, 'node_modules/@types/node'), { recursive: true });
    cpSync('node_modules/undici-types', join(home, 'node_modules/undici-types'), { recursive: true });
    const options = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--lib',
      'es2023',
      '--types',
      'node',
    ];
    const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
    writeFileSync(join(home, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
    const compiled = spawnSync(process.execPath, [tsc, ...options, 'typed.ts'], { cwd: home, encoding: 'utf8' });
    expect(compiled.stdout.split('\n').filter((line) => line !== '')).toEqual([]);
    expect(compiled.status).toBe(0);
  });

  it('has a command', () => {
    const command = resolve(home, 'node_modules/.bin/pitwall');
    const help = spawnSync(command, ['--help'], { cwd: home, encoding: 'utf8' });
    expect(help.stdout).toContain('pitwall');
    expect(help.status).toBe(0);
  });

  /** Runs a host to its own end and returns what it printed: a handle that keeps it alive is a failure by time-out. */
  function run(script: string): { small: number; large: number; statistics: unknown } {
    rmSync(join(home, 'pitwall-data'), { recursive: true, force: true });
    const ended = spawnSync(process.execPath, ['--unhandled-rejections=strict', script], {
      cwd: home,
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect({ status: ended.status, signal: ended.signal, stderr: ended.stderr }).toMatchObject({
      status: 0,
      signal: null,
    });
    return JSON.parse(ended.stdout.trim().split('\n').at(-1) ?? '');
  }
});

function expectBothLanes(printed: { small: number; large: number; statistics: unknown }): void {
  expect(printed).toMatchObject({ small: 1_000, large: 4_000_000 });
  expect(printed.statistics).toMatchObject({ decisions: 2, grpcCount: 1, zeroCopyCount: 1 });
}
