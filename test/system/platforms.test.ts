/** Platforms without shared memory of ours: gRPC carries everything, says why, and what is learned there stays there. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const HOST = fileURLToPath(new URL('fixtures/elsewhere.js', import.meta.url));

/** A host of the package as built (dist/), that takes this machine for another platform. */
function hostOn(platform: string, dataDir: string) {
  return JSON.parse(
    execFileSync(process.execPath, ['--unhandled-rejections=strict', HOST, platform, dataDir], { encoding: 'utf8' }),
  );
}

it.each(['darwin', 'win32'])('on %s every payload goes by gRPC, and the pool says why', (platform) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'pitwall platform '));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const said = hostOn(platform, dataDir);
  expect(said).toMatchObject({ platform, lengths: [1_000, 100_000, 3_000_000, 20_000_000], lanes: ['grpc'] });
  expect(JSON.stringify(said.status)).toContain(`this is ${platform}, where gRPC carries everything`);
  expect(said.refused).toBeUndefined();
  const here = hostOn(process.platform, dataDir);
  expect(here.lengths).toEqual(said.lengths);
  expect(here.refused).toContain(`learned on ${platform}-${process.arch}; this is ${process.platform}-${process.arch}`);
  expect(hostOn(process.platform, dataDir).refused).toBeUndefined();
});
