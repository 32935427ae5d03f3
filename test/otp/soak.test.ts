import { expect, it } from 'vitest';
import { soak } from './soak.ts';

/** The long form is `npm run otp:soak`. */
const SECONDS = Number(process.env.PITWALL_SOAK_SECONDS ?? 8);

it(`${SECONDS} s of random crashes, a thousand a second, leave nothing behind`, { timeout: 120_000 }, async () => {
  const seed = Number(process.env.PITWALL_SEED ?? Date.now() % 1_000_000);
  console.log(`soak: seed ${seed}`);
  const report = await soak({ seconds: SECONDS, seed });
  expect(report.restarts).toBeGreaterThan(report.crashes / 4);
  expect(report.calls).toBeGreaterThan(1000);
  expect(report).toMatchObject({ lost: 0, unhandledRejections: 0 });
  expect(report.heapMb[1]).toBeLessThan(report.heapMb[0] * 1.2 + 5);
  expect(report.handles[1]).toBeLessThanOrEqual(report.handles[0]);
  expect(report.processes[1]).toBeLessThanOrEqual(report.processes[0] * 1.2);
});
