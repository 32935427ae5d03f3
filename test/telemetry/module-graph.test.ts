/** What the built package loads, as a host's process sees it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

/** Imports a package entry in a fresh process and lists the OpenTelemetry packages that were loaded with it. */
async function loadedBy(script: string): Promise<string[]> {
  const report = `
    import { createRequire } from 'node:module';
    ${script}
    const files = Object.keys(createRequire(import.meta.url).cache);
    const packages = files.map((file) => /node_modules[\\\\/](@opentelemetry[\\\\/][^\\\\/]+)/.exec(file)?.[1]);
    console.log(JSON.stringify([...new Set(packages.filter(Boolean))].sort()));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', report]);
  return JSON.parse(stdout);
}

/** Interfaces without an implementation. */
const APIS = new Set(['@opentelemetry/api', '@opentelemetry/api-logs']);

describe('the built package', () => {
  it.each(['pitwall', 'pitwall/otp', 'pitwall/telemetry'])(
    "loads no OpenTelemetry SDK with import '%s'",
    async (entry) => {
      const loaded = await loadedBy(`await import('${entry}');`);
      expect(loaded.filter((name) => !APIS.has(name))).toEqual([]);
    },
  );

  it('loads it with startTelemetry, so that the look above would see it', async () => {
    const loaded = await loadedBy(
      "const { startTelemetry } = await import('pitwall/telemetry');\nawait (await startTelemetry({ spanProcessors: [], metricReaders: [], logRecordProcessors: [] })).shutdown();",
    );
    expect(loaded).toContain('@opentelemetry/sdk-node');
  });
});
