/** What watching costs: `node --expose-gc scripts/run-ts.js bench/analysis/cost.ts`. CPU time, since the machine may be busy. */
import { baselineToJson, newBaseline, observe } from '../../src/metrics/analysis/baseline.ts';
import { logNormal, Random, type Transfer } from './sources.ts';

const KINDS = 1_000;
const ROUNDS = 3;
const TRANSFERS = 2_000_000;

const source = logNormal(new Random(1), 0.3);
const transfer: Transfer = { latencyUs: 0 };
const latencies = Float64Array.from({ length: 65_536 }, () => {
  source(transfer, 1);
  return transfer.latencyUs;
});
const told = Array.from({ length: 1_024 }, (_, index) => ({
  dataSize: 1_000_000 + index * 997,
  inFlight: 1 + (index % 5),
  systemLoad: 0.3 + 0.0005 * index,
}));

for (const given of [false, true]) {
  const before = heapBytes();
  const baselines = Array.from({ length: KINDS }, newBaseline);
  const run = (from: number, count: number) => {
    for (let index = from; index < from + count; index += 1) {
      const baseline = baselines[index % KINDS];
      if (baseline === undefined) continue;
      observe(baseline, latencies[index % latencies.length] ?? 1, {}, given ? told[index % told.length] : undefined);
    }
  };
  run(0, 199 * KINDS);
  const learning = heapBytes() - before;
  run(199 * KINDS, 51 * KINDS);
  const watching = heapBytes() - before;
  const learnNs = cpuNs(() => learnAgain(given)) / KINDS;
  const times = Array.from({ length: ROUNDS }, () => cpuNs(() => run(0, TRANSFERS)) / TRANSFERS);
  const json = JSON.stringify(baselines.map(baselineToJson)).length / KINDS;
  console.log(
    `circumstances ${given ? 'told' : 'not told'}: ${Math.min(...times).toFixed(0)} ns a transfer while watching,`,
    `${(learnNs / 1000).toFixed(0)} us to learn from 200; ${KINDS} kinds take ${megabytes(learning)} MB while learning,`,
    `${megabytes(watching)} MB while watching, ${json.toFixed(0)} bytes each as JSON`,
  );
}

function learnAgain(given: boolean): void {
  for (let kind = 0; kind < KINDS; kind += 1) {
    const baseline = newBaseline();
    for (let index = 0; index < 200; index += 1)
      observe(baseline, latencies[(kind * 200 + index) % latencies.length] ?? 1, {}, given ? told[index] : undefined);
  }
}

function heapBytes(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function cpuNs(work: () => void): number {
  const from = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(from);
  return (user + system) * 1000;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
