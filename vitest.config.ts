import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/**
 * Two projects. `unit` tests import src/ and run side by side. `built` tests drive the package as its user gets it, from dist/, with
 * real threads and worker processes: two at a time, after the others and a fresh build. A test is `built` when its text names
 * the package in an import, or dist/.
 */
const built = testFiles('test').filter((path) =>
  /(?:from|import\()\s*['"]pitwall|dist\//.test(readFileSync(path, 'utf8')),
);

const common = {
  pool: 'forks' as const,
  // Rejections that nobody awaits end hosts: the suite runs as strictly as a host may.
  execArgv: ['--unhandled-rejections=strict', '--expose-gc'],
  setupFiles: ['test/setup.ts'],
  testTimeout: 30_000,
  hookTimeout: 30_000,
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...built],
          // Modules keep no state, so files may share a process: most of a file's time was loading them anew.
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: 'built',
          include: built,
          globalSetup: ['test/build-first.ts'],
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});

function testFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts'))
    .map((path) => join(folder, path))
    .sort();
}
