/** The card in the data directory, and the runtime that starts on it. */

import { type Runtime, startRuntime } from 'pitwall';
import { expect, it, onTestFinished } from 'vitest';
import { type MetricsStore, openStore } from '../../dist/metrics/store.js';
import { machineFingerprint } from '../../src/actors/machine-fingerprint.ts';
import { cardJson, fingerprintText, type MachineCard } from '../../src/learning/machine-card.ts';
import type { JsonValue } from '../../src/learning/types.ts';
import { TENSOR, temporaryFolder } from '../runtime/support.ts';
import { CARD } from './support.ts';

const HERE = machineFingerprint();
const OWN: MachineCard = { ...CARD, machine: HERE };

async function folderWith(key: string, value: JsonValue): Promise<string> {
  const dataDir = temporaryFolder();
  const store: MetricsStore = await openStore({
    dataDir,
    now: () => Date.now() * 1000,
    retentionHours: 24,
    onWarning: () => undefined,
  });
  await store.put('machines', key, value);
  await store.close();
  return dataDir;
}

/** Starts on a folder; resolves with the runtime, and what it said of the card. */
async function startOn(dataDir: string): Promise<{ runtime: Runtime; said: string[] }> {
  const said: string[] = [];
  const say = (message: string): void => {
    if (message.includes('machine card')) said.push(message);
  };
  const runtime = await startRuntime({
    dataDir,
    // A busy machine has no say.
    cpuPressureThreshold: 1,
    memoryPressureThreshold: 1,
    pools: [{ name: 'ml', minimumThresholdMb: 0.001, explorationRate: 0 }],
    logger: { debug: say, info: say, warn: say, error: say },
  });
  onTestFinished(() => runtime.shutdown());
  return { runtime, said };
}

function grpcSamples(runtime: Runtime): number | undefined {
  const { costModel } = runtime.snapshot('ml') ?? {};
  const at = { ...TENSOR, compression: false, warm: true, systemLoad: undefined, availableMemory: undefined };
  return costModel?.estimate('grpc', { ...at, inFlight: 1, hourOfDay: 0 }).effectiveSamples;
}

it('a fresh pool decides by the card from its first transfer on', async () => {
  const { runtime, said } = await startOn(await folderWith(fingerprintText(HERE), cardJson(OWN)));
  expect(said).toEqual([expect.stringMatching(/start from the machine card of 2026-01-01/)]);
  expect(grpcSamples(runtime)).toBe(32);
  // The card's lanes cross at 100 kB, the configured threshold is 10 MiB.
  const { method, reason } = runtime.decideTransferMethod({ ...TENSOR, dataSize: 2 ** 20 });
  expect([method, reason]).toEqual(['zero_copy', 'cost_model']);
  expect(runtime.decideTransferMethod({ ...TENSOR, dataSize: 8192 }).method).toBe('grpc');
});

it('the card of another machine is not used, and that is said once', async () => {
  const other = { ...CARD, machine: { ...HERE, cpuModel: 'Another CPU' } };
  const { runtime, said } = await startOn(await folderWith(fingerprintText(other.machine), cardJson(other)));
  expect(said).toEqual([expect.stringMatching(/of another machine \(.*Another CPU.*\).* is not used/)]);
  expect(grpcSamples(runtime)).toBe(0);
  expect(runtime.decideTransferMethod({ ...TENSOR, dataSize: 2 ** 20 }).reason).toBe('threshold');
});

it('a card that lies about its machine, and one that is damaged, are refused with the reason', async () => {
  const lying = await startOn(await folderWith(fingerprintText(HERE), cardJson({ ...CARD, version: 1 })));
  expect(lying.said).toEqual([expect.stringMatching(/refused: it is the card of another machine/)]);
  const grpc = { ...CARD.grpc, usPerByte: -1 };
  const damaged = await startOn(await folderWith(fingerprintText(HERE), cardJson({ ...OWN, grpc })));
  expect(damaged.said).toEqual([
    expect.stringMatching(/refused: the machine card's grpc\.usPerByte: expected .* got -1/),
  ]);
  expect(grpcSamples(damaged.runtime)).toBe(0);
});

it('what a pool has learned wins over the card', async () => {
  const dataDir = await folderWith(fingerprintText(HERE), cardJson(OWN));
  const first = await startOn(dataDir);
  for (let i = 0; i < 60; i += 1) {
    const decision = first.runtime.decideTransferMethod({ ...TENSOR, dataSize: 2 ** 20 });
    // Not at all what the card says: zero-copy takes a second.
    first.runtime.recordTransferMetrics(decision.transferId, { latencyUs: decision.method === 'grpc' ? 900 : 1e6 });
    if (i % 10 === 9) await first.runtime.flush();
  }
  expect(first.runtime.decideTransferMethod({ ...TENSOR, dataSize: 2 ** 20 }).method).toBe('grpc');
  await first.runtime.shutdown();
  const { runtime } = await startOn(dataDir);
  expect(runtime.decideTransferMethod({ ...TENSOR, dataSize: 2 ** 20 }).method).toBe('grpc');
});
