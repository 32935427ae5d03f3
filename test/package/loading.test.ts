/** What importing an entry point of the built package (dist/) loads: heavy and optional packages only where they are used. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const complete = existsSync('dist/index.js') && existsSync('dist/transports/index.js');
if (!complete) console.warn('SKIPPED: what imports load is tested once all entry points are built');

const heavy = ['@grpc/', '@opentelemetry/sdk', 'apache-arrow', 'koffi', 'lmdb', 'ml-cart', 'piscina', 'protobufjs'];

describe.skipIf(!complete)('importing', () => {
  it.each([
    ['pitwall', 'nact'],
    ['pitwall/telemetry', '@opentelemetry/api'],
    ['pitwall/transports', 'nact'],
  ])('%s loads nothing heavy', (entry, light) => {
    const packages = packagesLoadedBy(entry);
    expect(packages).toContain(light);
    expect(packages.filter((name) => heavy.some((each) => name.startsWith(each)))).toEqual([]);
  });

  it('pitwall/otp loads the actors and nothing else', () => {
    const own = packagesLoadedBy('pitwall/otp').filter((name) => !packagesLoadedBy('nact').includes(name));
    expect(own).toEqual([]);
  });

  it('rings on what is heavy', () => {
    expect(packagesLoadedBy('apache-arrow')).toContain('apache-arrow');
    expect(packagesLoadedBy('piscina')).toContain('piscina');
  });
});

/** `module.register`, by which this test looks, is deprecated in Node 26: that warning is the test's own. Every other one counts. */
const OWN_TOOL = '--disable-warning=DEP0205';

/** Names of the packages whose files were loaded, by `import` or by `require`, when a fresh process has imported `entry`. */
function packagesLoadedBy(entry: string): string[] {
  const hooks = `
    import { writeSync } from 'node:fs';
    export async function load(url, context, next) { writeSync(1, url + '\\n'); return next(url, context); }`;
  const program = `
    import { createRequire, register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}));
    await import(${JSON.stringify(entry)});
    console.log(Object.keys(createRequire(import.meta.url).cache).join('\\n'));`;
  const ended = spawnSync(process.execPath, [OWN_TOOL, '--input-type=module', '--eval', program], { encoding: 'utf8' });
  expect({ status: ended.status, stderr: ended.stderr }).toEqual({ status: 0, stderr: '' });
  const names = [...ended.stdout.matchAll(/\/node_modules\/((?:@[^/\n]+\/)?[^/\n]+)\/(?!.*\/node_modules\/)/g)].map(
    (match) => match[1] ?? '',
  );
  return [...new Set(names)].sort();
}
