import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Rejections that nobody awaits end hosts: the suite runs as strictly as a host may.
    pool: 'forks',
    execArgv: ['--unhandled-rejections=strict'],
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
