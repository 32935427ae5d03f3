/** From a change of the machine to decisions that follow it: real files, sampler, monitor and threshold manager, on a clock of the test's. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { resourceMonitor } from '../../src/actors/resource-monitor.ts';
import { createResourceSampler } from '../../src/actors/resource-sampler.ts';
import { thresholdManager } from '../../src/actors/threshold-manager.ts';
import type { PolicyOptions } from '../../src/config/types.ts';
import { decide } from '../../src/decision/decide.ts';
import type { DecisionReason, TransferRequest } from '../../src/decision/types.ts';
import { call, cast, createTestClock, started, startGenServer, startSystem, stopSystem } from '../../src/otp/index.ts';
import { SnapshotBoard } from '../../src/snapshots.ts';
import { poolSlot } from '../learning/pool-slot.ts';

const MIB = 2 ** 20;

/** A machine whose `/proc` the test writes; `pass` lets time go by, with the kernel's counters. */
async function machine(policy: PolicyOptions) {
  const procDir = mkdtempSync(join(tmpdir(), 'pitwall-reaction-'));
  onTestFinished(() => rmSync(procDir, { recursive: true, force: true }));
  const state = { load: 0.1, memory: 0.2, busy: 0, idle: 0 };
  const write = (): void => {
    const total = 16_000_000;
    writeFileSync(
      join(procDir, 'meminfo'),
      `MemTotal: ${total} kB\nMemAvailable: ${Math.round(total * (1 - state.memory))} kB\n`,
    );
    writeFileSync(join(procDir, 'stat'), `cpu  ${Math.round(state.busy)} 0 0 ${Math.round(state.idle)} 0 0 0 0 0 0\n`);
  };
  write();
  const clock = createTestClock(1e12);
  const system = startSystem({ name: 'reaction', clock });
  onTestFinished(() => stopSystem(system, { timeoutMs: 0 }));
  const board = new SnapshotBoard();
  const slot = poolSlot(policy);
  board.add(slot);
  const nowMs = (): number => clock.now();
  const manager = started(
    await startGenServer(system, thresholdManager, {
      ...{ slot, board, nowMs, platform: 'linux-x64', costModel: {}, restore: async () => undefined },
      ...{ persist: () => undefined, onChanges: () => undefined, onRefusedState: () => undefined },
    }),
  );
  const monitor = started(
    await startGenServer(system, resourceMonitor, {
      board,
      createSampler: () => createResourceSampler({ shmDir: undefined, procDir, clock: { now: nowMs } }),
      onSample: () => void cast(manager, { type: 'resources_sampled' }),
    }),
  );
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 50) {
      // A hundred ticks a second, on one core.
      state.busy += 5 * state.load;
      state.idle += 5 * (1 - state.load);
      write();
      clock.advance(50);
      await call(monitor, { type: 'get_resources' });
      await call(manager, { type: 'get_threshold_history' });
    }
  };
  const reason = (dataSize: number): DecisionReason => {
    const request: TransferRequest = {
      ...{ pool: 'ml', dataSize, dataType: 'tensor', format: 'numpy', compression: false },
      ...{ sessionId: undefined, attributes: undefined },
    };
    return decide(request, slot, board.resources, nowMs(), () => 0.999, 't').reason;
  };
  await pass(2_000);
  return { state, slot, pass, reason };
}

describe('a change of the machine is in decisions within a second', () => {
  it('memory that runs short lowers the zero-copy threshold, and is taken back when it is over', async () => {
    const { state, slot, pass } = await machine({ zeroCopyThresholdMb: 8 });
    expect(slot.thresholds.default.final).toBe(8 * MIB);
    state.memory = 0.95;
    await pass(1_000);
    expect(slot.thresholds.default.final).toBeLessThan(8 * MIB);
    expect(slot.thresholds.default.resourceFactor).toBeLessThan(1);
  });

  it.each([
    ['memory', 'memory_pressure', { memory: 0.95 }],
    ['processors', 'cpu_pressure', { load: 0.98 }],
  ] as const)('%s that run short decide', async (_what, expected, change) => {
    const { state, pass, reason } = await machine({ zeroCopyThresholdMb: 900 });
    const sizes = Array.from({ length: 60 }, (_, i) => Math.round(MIB * 2 ** (i / 10)));
    expect(sizes.map(reason)).not.toContain(expected);
    Object.assign(state, change);
    await pass(1_000);
    expect(sizes.map(reason)).toContain(expected);
    Object.assign(state, { memory: 0.2, load: 0.1 });
    await pass(1_000);
    expect(sizes.map(reason)).not.toContain(expected);
  });
});
