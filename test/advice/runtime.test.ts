/** Advice of a running package: found in its records, applied, and followed. */
import { PitwallError } from 'pitwall';
import { describe, expect, it } from 'vitest';
import { temporaryFolder, testRuntime } from '../runtime/support.ts';
import { COSTS, traffic } from './traffic.ts';

const MISPLACED = { name: 'ml', goal: 'maximize_throughput', thresholdOverridesMb: { tensor: 0.5, text: 2 } } as const;

/** What the better lane would save of the misplaced threshold's total time, over log-uniform sizes. */
function truth(): number {
  let [was, best] = [0, 0];
  for (let log = 17; log < 26; log += 0.01) {
    const bytes = 2 ** log;
    const [grpc, zeroCopy] = [COSTS.grpc(bytes), COSTS.zeroCopy(bytes)];
    was += bytes >= 2 ** 19 ? zeroCopy : grpc;
    best += Math.min(grpc, zeroCopy);
  }
  return 1 - best / was;
}

describe('a fixed threshold that is far off', () => {
  it('is found, can be applied, gains what was predicted, and all of it survives a restart', async () => {
    const dataDir = temporaryFolder();
    const runtime = await testRuntime({ dataDir, pools: [MISPLACED] });
    const send = traffic(runtime, 1);
    await send(1000);
    const [advice, ...others] = await runtime.advice.refresh('ml');
    expect(others).toEqual([]);
    expect(advice).toMatchObject({ kind: 'threshold', pool: 'ml', subject: 'tensor', effort: 'none', transfers: 1000 });
    if (advice === undefined) return;
    const [low, high] = advice.expectedGain.interval;
    expect(low).toBeLessThan(truth() + 0.03);
    expect(high).toBeGreaterThan(truth() - 0.03);
    expect(low).toBeGreaterThan(0.1);
    expect(advice.confidence).toBeGreaterThan(0.9);
    expect(advice.why).toMatch(/transfers would go by gRPC instead of zero-copy: .* ms instead of .* ms each/);
    expect(advice.snippet).toBe('await runtime.updatePolicy("ml", {"thresholdOverridesMb":{"text":2}});');
    expect(JSON.parse(JSON.stringify(advice))).toEqual(advice);
    // Looked for again, it is the same piece of advice.
    expect(await runtime.advice.refresh()).toEqual([expect.objectContaining({ id: advice.id })]);

    const applied = await runtime.advice.apply(advice.id, { by: 'ada', why: 'a trial' });
    expect(applied).toMatchObject({ by: 'ada', state: 'measuring', predicted: advice.expectedGain });
    expect(runtime.snapshot('ml')?.policy.thresholdOverrides).toEqual(new Map([['text', 2 * 2 ** 20]]));
    const said = (await runtime.analyzer.timeline()).map(({ detail }) => detail);
    expect(said.at(-1)).toMatch(/thresholdOverridesMb.*ada.*a trial/);
    expect(await runtime.advice.list()).toEqual([]);
    // What was recorded under the policy that is gone is no evidence any more.
    expect(await runtime.advice.refresh()).toEqual([]);

    await send(800);
    const [tracked] = await runtime.advice.tracked('ml');
    expect(tracked).toMatchObject({ transfers: 800, state: 'measuring', harmful: false });
    const realized = tracked?.realized;
    expect(tracked?.matched).toBeGreaterThan(700);
    expect(realized?.interval[0]).toBeGreaterThan(0);
    expect(realized?.interval[0]).toBeLessThan(truth());
    expect(realized?.interval[1]).toBeGreaterThan(truth() - 0.05);
    await runtime.shutdown();

    const second = await testRuntime({ dataDir, pools: [MISPLACED] });
    await second.advice.refresh();
    const [kept] = await second.advice.tracked();
    expect(kept).toMatchObject({ advice: { id: advice.id }, by: 'ada', transfers: 800 });
    expect(kept?.realized?.value).toBeCloseTo(realized?.value ?? Number.NaN, 6);
    // Changed again by hand: what it had brought until then is its last word.
    await second.updatePolicy('ml', { explorationRate: 0.04 });
    expect(await second.advice.tracked()).toEqual([expect.objectContaining({ state: 'superseded', transfers: 800 })]);
  });
});

describe('calm', () => {
  it('says nothing of a pool that decides well', async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml', goal: 'maximize_throughput' }] });
    await traffic(runtime, 2)(1000);
    expect(await runtime.advice.refresh()).toEqual([]);
    expect(await runtime.advice.tracked()).toEqual([]);
  });

  it('says nothing of a few records, of a pool that is switched off, nor of one that saves memory', async () => {
    const runtime = await testRuntime({ pools: [MISPLACED] });
    const send = traffic(runtime, 3);
    await send(150);
    expect(await runtime.advice.refresh()).toEqual([]);
    await send(300);
    expect(await runtime.advice.refresh()).toHaveLength(1);
    await runtime.updatePolicy('ml', { goal: 'minimize_memory' });
    await send(300);
    expect(await runtime.advice.refresh()).toEqual([]);
  });
});

describe('what cannot be applied, and what is not wanted', () => {
  it('is refused with what to write, stays away once dismissed, and an id is good for one proposal', async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml', goal: 'maximize_throughput' }] });
    const send = traffic(runtime, 4);
    for (let round = 0; round < 4; round += 1) {
      await send(100, { dataType: 'dataframe', format: 'json' }, 1, [2 ** 18, 2 ** 20]);
      await send(100, { dataType: 'dataframe', format: 'arrow' }, 0.6, [2 ** 18, 2 ** 20]);
    }
    const found = await runtime.advice.refresh('ml');
    const advice = found.find(({ kind }) => kind === 'format');
    expect(advice).toMatchObject({
      subject: 'dataframe',
      effort: 'code',
      title: 'send dataframe as arrow instead of json',
    });
    expect(advice?.change).toBeUndefined();
    const id = advice?.id ?? '';
    await expect(runtime.advice.apply(id)).rejects.toThrow(PitwallError);
    await expect(runtime.advice.apply(id)).rejects.toMatchObject({ code: 'PITWALL_ADVICE_NOT_APPLICABLE' });
    expect(await runtime.advice.dismiss(id)).toBe(true);
    expect(await runtime.advice.dismiss(id)).toBe(false);
    expect((await runtime.advice.refresh()).filter(({ kind }) => kind === 'format')).toEqual([]);
    await expect(runtime.advice.apply(id)).rejects.toMatchObject({ code: 'PITWALL_INVALID_ARGUMENT' });
  });

  it('refuses what is no id, no note, no pool', async () => {
    const runtime = await testRuntime();
    await expect(runtime.advice.apply(5 as never)).rejects.toThrow(/id: expected the id of advice/);
    await expect(runtime.advice.apply('a1', { by: 5 as never })).rejects.toThrow(/note\.by/);
    await expect(runtime.advice.list(null as never)).rejects.toThrow(/pool: expected/);
  });
});
