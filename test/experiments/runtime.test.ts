/** Experiments through `runtime.experiments`, on a real runtime with a real store. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { RuntimeOptions } from '../../src/config/types.ts';
import { seededRandom } from '../../src/learning/random.ts';
import { exit } from '../../src/otp/index.ts';
import { type Runtime, startRuntime } from '../../src/runtime.ts';

const folders: string[] = [];
const open = new Set<Runtime>();

afterEach(async () => {
  for (const runtime of open) await runtime.shutdown();
  open.clear();
});
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'pitwall-experiments-'));
  folders.push(path);
  return path;
}

async function start(options: RuntimeOptions = {}): Promise<Runtime> {
  const runtime = await startRuntime({
    dataDir: false,
    logger: false,
    // A busy machine has no say.
    cpuPressureThreshold: 1,
    memoryPressureThreshold: 1,
    abTestingEnabled: true,
    random: seededRandom(7),
    pools: [{ name: 'ml', minimumThresholdMb: 0.01, zeroCopyThresholdMb: 1, learningEnabled: false }],
    ...options,
  });
  open.add(runtime);
  return runtime;
}

async function stop(runtime: Runtime): Promise<void> {
  open.delete(runtime);
  await runtime.shutdown();
}

/** Transfers whose latency is 1 ms by gRPC, `zeroCopyUs` by zero-copy, give or take. */
async function run(runtime: Runtime, count: number, zeroCopyUs = 500, session?: (n: number) => string): Promise<void> {
  const random = seededRandom(count);
  for (let n = 0; n < count; n += 1) {
    const { transferId, method } = runtime.decideTransferMethod({
      pool: 'ml',
      dataSize: 2_000_000,
      dataType: 'tensor',
      format: 'numpy',
      sessionId: session?.(n),
    });
    const latencyUs = (method === 'grpc' ? 1_000 : zeroCopyUs) * (0.8 + 0.4 * random());
    runtime.recordTransferMetrics(transferId, { latencyUs });
    if (n % 1_000 === 999) await runtime.flush();
  }
  await runtime.flush();
}

const LANES = { a: { share: 0.5, lane: 'grpc' }, b: { share: 0.5, lane: 'zero_copy' } } as const;

async function until(check: () => Promise<boolean>): Promise<void> {
  for (let round = 0; round < 200; round += 1) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('it did not come to be');
}

describe('runtime.experiments', () => {
  it('splits, counts by variant, judges, reports, promotes, and takes back', async () => {
    const runtime = await start();
    const started = await runtime.experiments.start({ pool: 'ml', name: 'lanes', variants: LANES });
    expect(started).toMatchObject({ state: 'running', verdict: { type: 'undecided' } });
    await run(runtime, 3_000);
    const report = await runtime.experiments.get('lanes');
    const [a, b] = report?.variants ?? [];
    expect((a?.transfers ?? 0) + (b?.transfers ?? 0)).toBe(3_000);
    expect([a?.zeroCopyShare, b?.zeroCopyShare]).toEqual([0, 1]);
    expect(Math.abs((b?.p50Us ?? 0) / 500 - 1)).toBeLessThan(0.05);
    expect(report?.sampleRatio.mismatch).toBe(false);
    expect(report?.verdict).toMatchObject({ type: 'variant_better', winner: 'b' });
    const [latency] = report?.comparisons[0]?.metrics ?? [];
    expect(latency?.change).toBeCloseTo(-0.5, 1);
    expect(latency?.fixedHorizon).toBeUndefined();

    const text = await runtime.experiments.report('lanes');
    expect(text).toContain('"b" is better');
    expect(text).toContain('No fixed-horizon test below 10000 transfers');
    expect(JSON.parse(await runtime.experiments.report('lanes', 'json'))).toMatchObject({ name: 'lanes' });
    const html = await runtime.experiments.report('lanes', 'html');
    expect(html).toContain('<h2>b against a</h2>');
    expect(html).not.toMatch(/https?:\/\/(?!www\.w3)/);

    const before = runtime.snapshot('ml')?.policy.version;
    const promoted = await runtime.experiments.promote('lanes', undefined, { by: 'me' });
    expect(promoted).toMatchObject({ state: 'stopped', promotion: { variant: 'b', previousVersion: before } });
    const small = { pool: 'ml', dataSize: 20_000, dataType: 'tensor', format: 'numpy' };
    expect(runtime.decideTransferMethod(small)).toMatchObject({ method: 'zero_copy', variant: undefined });
    await runtime.experiments.rollback('lanes');
    expect(runtime.decideTransferMethod(small)).toMatchObject({ method: 'grpc' });
    await expect(runtime.experiments.rollback('lanes')).rejects.toMatchObject({ code: 'PITWALL_EXPERIMENT_REFUSED' });
  });

  it('a variant with another policy decides by it, and follows when the policy below it changes', async () => {
    const runtime = await start();
    await runtime.experiments.start({
      pool: 'ml',
      name: 'threshold',
      variants: { control: { share: 0.5 }, low: { share: 0.5, policy: { thresholdOverridesMb: { tensor: 0.1 } } } },
    });
    const at = (sessionId: string) =>
      runtime.decideTransferMethod({ pool: 'ml', dataSize: 500_000, dataType: 'tensor', format: 'numpy', sessionId });
    const decisions = Array.from({ length: 50 }, (_, n) => at(`s${n}`));
    for (const { variant, method } of decisions) expect(method).toBe(variant === 'low' ? 'zero_copy' : 'grpc');
    expect(new Set(decisions.map(({ variant }) => variant)).size).toBe(2);
    const version = await runtime.updatePolicy('ml', { zeroCopyThresholdMb: 0.2 });
    const after = Array.from({ length: 50 }, (_, n) => at(`s${n}`));
    expect(after.map(({ variant }) => variant)).toEqual(decisions.map(({ variant }) => variant));
    expect(new Set(after.map(({ policyVersion }) => policyVersion))).toEqual(new Set([version]));
  });

  it('a guardrail stops a harmful variant, and an alert says so', async () => {
    const runtime = await start();
    await runtime.experiments.start({ pool: 'ml', name: 'harm', variants: LANES });
    await run(runtime, 3_000, 3_000);
    await until(async () => (await runtime.experiments.get('harm'))?.state === 'stopped');
    expect((await runtime.experiments.get('harm'))?.endedBecause).toContain('guardrail');
    expect(runtime.snapshot('ml')?.experiment).toBeUndefined();
    await until(async () => (await runtime.alerts()).some(({ kind }) => kind === 'experiment_guardrail'));
  });

  it('a new split moves few sessions and starts the comparison anew', async () => {
    const runtime = await start();
    await runtime.experiments.start({ pool: 'ml', name: 'ramp', variants: { a: { share: 0.9 }, b: { share: 0.1 } } });
    const variantOf = (n: number) =>
      runtime.decideTransferMethod({ pool: 'ml', dataSize: 2e6, dataType: 'x', format: 'raw', sessionId: `s${n}` })
        .variant;
    const before = Array.from({ length: 400 }, (_, n) => variantOf(n));
    await run(runtime, 500);
    const changed = await runtime.experiments.changeSplit('ramp', { a: 0.7, b: 0.3 });
    expect(changed).toMatchObject({ phase: 2 });
    expect(changed.variants.map(({ transfers }) => transfers)).toEqual([0, 0]);
    const moved = before.filter((variant, n) => variant !== variantOf(n));
    expect(moved.every((variant) => variant === 'a')).toBe(true);
    expect(moved.length).toBeLessThan(120);
    await expect(runtime.experiments.changeSplit('ramp', { a: 0.7 })).rejects.toMatchObject({
      code: 'PITWALL_INVALID_ARGUMENT',
    });
  });

  it('survives a crash of its actor and a restart of the host: same sessions, same counts', async () => {
    const dataDir = folder();
    const first = await start({ dataDir });
    await first.experiments.start({
      pool: 'ml',
      name: 'kept',
      variants: { a: { share: 0.5 }, b: { share: 0.5, lane: 'grpc' } },
    });
    await run(first, 400, 500, (n) => `s${n % 40}`);
    const variants = (runtime: Runtime) =>
      Array.from({ length: 40 }, (_, n) => n).map(
        (n) =>
          runtime.decideTransferMethod({ pool: 'ml', dataSize: 2e6, dataType: 'x', format: 'raw', sessionId: `s${n}` })
            .variant,
      );
    const before = variants(first);
    const actor = first.whereis('experimenter');
    if (actor) exit(actor, 'kill');
    expect(variants(first)).toEqual(before);
    await until(async () => first.whereis('experimenter') !== undefined && first.whereis('experimenter') !== actor);
    const counted = async (runtime: Runtime) =>
      (await runtime.experiments.get('kept'))?.variants.reduce((sum, { transfers }) => sum + transfers, 0);
    expect(await counted(first)).toBe(400);
    await run(first, 100, 500, (n) => `s${n % 40}`);
    await stop(first);
    const second = await start({ dataDir });
    expect(variants(second)).toEqual(before);
    expect(await counted(second)).toBe(500);
    expect(await second.experiments.list()).toHaveLength(1);
  });

  it('custom rules are code: after a restart it rests until it is started with them', async () => {
    const dataDir = folder();
    const first = await start({ dataDir });
    const options = {
      pool: 'ml',
      name: 'rule',
      variants: {
        control: { share: 0.5 },
        ruled: { share: 0.5, policy: { customRules: [{ name: 'all', decide: () => 'zero_copy' as const }] } },
      },
    };
    await first.experiments.start(options);
    await run(first, 200);
    await stop(first);
    const second = await start({ dataDir });
    expect(await second.experiments.get('rule')).toMatchObject({ state: 'paused' });
    expect(second.snapshot('ml')?.experiment).toBeUndefined();
    const resumed = await second.experiments.start(options);
    expect(resumed.state).toBe('running');
    expect(resumed.variants.reduce((sum, { transfers }) => sum + transfers, 0)).toBe(200);
    expect(resumed.variants[1]?.zeroCopyShare).toBe(1);
  });

  it('says what another policy would have cost, without any traffic', async () => {
    const runtime = await start({
      pools: [{ name: 'ml', minimumThresholdMb: 0.01, zeroCopyThresholdMb: 100, explorationRate: 0.3 }],
    });
    await run(runtime, 2_000);
    const { meanLatencyUs, logLatency, rows, changedShare } = await runtime.experiments.offPolicy('ml', {
      lane: 'zero_copy',
    });
    expect(rows).toBe(2_000);
    expect(changedShare).toBeGreaterThan(0);
    for (const { value, interval } of [meanLatencyUs.selfNormalized, meanLatencyUs.doublyRobust]) {
      expect(Math.abs(value / 500 - 1)).toBeLessThan(0.1);
      expect(interval[0]).toBeLessThan(interval[1]);
    }
    expect(Math.exp(logLatency.doublyRobust.value)).toBeGreaterThan(400);
    const own = await runtime.experiments.offPolicy('ml', { policy: { marginalBenefit: 0.05 } });
    expect(own.rows).toBe(2_000);
  });

  it('refuses what makes no sense, and then nothing has changed', async () => {
    const runtime = await start();
    for (const [options, code] of [
      [{ pool: 'nobody', name: 'x', variants: LANES }, 'PITWALL_INVALID_ARGUMENT'],
      [{ pool: 'ml', name: 'x', variants: { a: {} } }, 'PITWALL_INVALID_ARGUMENT'],
      [{ pool: 'ml', name: 'x', variants: { a: { share: 0.5 }, b: { share: 0.6 } } }, 'PITWALL_INVALID_ARGUMENT'],
      [
        { pool: 'ml', name: 'x', variants: { a: {}, b: { lane: 'grpc' as const, thresholdMb: 3 } } },
        'PITWALL_INVALID_ARGUMENT',
      ],
      [{ pool: 'ml', name: 'x', variants: LANES, minimumSamples: 500 }, 'PITWALL_INVALID_ARGUMENT'],
      [{ pool: 'ml', name: 'x', variants: { a: {}, b: { policy: { explorationRate: 7 } } } }, 'PITWALL_INVALID_POLICY'],
    ] as const) {
      await expect(runtime.experiments.start(options)).rejects.toMatchObject({ code });
      expect(runtime.snapshot('ml')?.experiment).toBeUndefined();
    }
  });

  it('runs only where the configuration allows it, and one a pool', async () => {
    const closed = await start({ abTestingEnabled: false });
    const options = { pool: 'ml', name: 'x', variants: LANES };
    await expect(closed.experiments.start(options)).rejects.toMatchObject({ code: 'PITWALL_EXPERIMENTS_DISABLED' });
    const runtime = await start();
    await runtime.experiments.start(options);
    await expect(runtime.experiments.start({ ...options, name: 'y' })).rejects.toThrow(/one at a time/);
    await runtime.experiments.stop('x', 'seen enough');
    expect((await runtime.experiments.start({ ...options, name: 'y' })).state).toBe('running');
    await expect(runtime.experiments.start(options)).rejects.toThrow(/already/);
  });
});
