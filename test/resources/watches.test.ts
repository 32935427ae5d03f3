/** What follows the machine's samples: collections, rises of load, warnings before limits. Each with what must ring and what must not. */
import { afterEach, describe, expect, it } from 'vitest';
import { type CapacityInput, CapacityWatch } from '../../src/actors/capacity-watch.ts';
import { LoadWatch } from '../../src/actors/load-watch.ts';
import { MachineHistory } from '../../src/actors/machine-history.ts';
import { GcMonitor, type GcPause } from '../../src/actors/resource-gc.ts';
import { seededRandom } from '../../src/learning/random.ts';

const MIB = 2 ** 20;

describe('garbage collections', () => {
  let monitor: GcMonitor | undefined;
  afterEach(() => monitor?.stop());

  it('are noted with when, how long, and which kind, on the clock that transfers are stamped with', async () => {
    const nowMs = (): number => Date.now();
    monitor = new GcMonitor(nowMs);
    const fromMs = nowMs();
    const kept: unknown[] = [];
    const pauses: GcPause[] = [];
    // Enough that V8 has to move much of it: real collections, none asked for.
    while (!pauses.some(({ kind }) => kind === 'minor')) {
      for (let index = 0; index < 50_000; index += 1) kept.push({ index, text: `${index}` });
      await new Promise((resolve) => setImmediate(resolve));
      pauses.push(...monitor.takePauses());
    }
    for (const { atMs, durationMs } of pauses) {
      expect(atMs).toBeGreaterThan(fromMs - 1_000);
      expect(atMs + durationMs).toBeLessThan(nowMs() + 1_000);
      expect(durationMs).toBeGreaterThanOrEqual(0.5);
    }
    expect(kept.length).toBeGreaterThan(0);
  });
});

describe('a rise of load', () => {
  /** What a minute of samples around a load says. */
  function minute(watch: LoadWatch, load: number, seed: number) {
    const random = seededRandom(seed);
    const seen = [];
    for (let sample = 0; sample < 240; sample += 1) {
      const rise = watch.observe(Math.min(1, Math.max(0, load + 0.3 * (random() - 0.5))));
      if (rise) seen.push(rise);
    }
    return seen;
  }

  it('is told once, with from and to, and again only after it has calmed down', () => {
    const watch = new LoadWatch();
    expect(minute(watch, 0.2, 1)).toEqual([]);
    const [rise, ...more] = minute(watch, 0.8, 2);
    expect(rise?.from).toBeLessThan(0.35);
    expect(rise?.to).toBeGreaterThan(0.4);
    expect(more).toEqual([]);
    for (let index = 0; index < 15; index += 1) expect(minute(watch, 0.2, 3 + index)).toEqual([]);
    expect(minute(watch, 0.8, 99)).toHaveLength(1);
  });

  it('is not seen in noise, in a short peak, or where load cannot be measured', () => {
    const watch = new LoadWatch();
    for (let index = 0; index < 30; index += 1) expect(minute(watch, 0.5, index)).toEqual([]);
    for (let sample = 0; sample < 8; sample += 1) expect(watch.observe(1)).toBeUndefined();
    expect(watch.observe(undefined)).toBeUndefined();
  });
});

describe('warnings before limits', () => {
  const CALM: CapacityInput = {
    atMs: 0,
    memoryLoad: 0.4,
    availableMemory: 4e9,
    memoryPressureThreshold: 0.8,
    pools: [{ pool: 'ml', room: 200 * MIB, largest: 10 * MIB }],
    diskFree: 50e9,
  };

  /** Looks every five seconds for some minutes. */
  function looks(watch: CapacityWatch, minutes: number, at: (lookMs: number) => Partial<CapacityInput>, fromMs = 0) {
    const raised: string[] = [];
    const resolved: string[] = [];
    let last: { message: string; lookAt?: string | undefined } | undefined;
    for (let ms = 0; ms < minutes * 60_000; ms += 5_000) {
      const news = watch.observe({ ...CALM, atMs: fromMs + ms, ...at(ms) });
      raised.push(...news.raised.map(({ key }) => key));
      resolved.push(...news.resolved);
      last = news.raised.at(-1) ?? last;
    }
    return { raised: [...new Set(raised)], resolved, last };
  }

  it('are not given where there is room, nor for memory that goes up and down', () => {
    const random = seededRandom(5);
    const { raised } = looks(new CapacityWatch(), 60, () => ({ memoryLoad: 0.5 + 0.1 * random() }));
    expect(raised).toEqual([]);
    expect(looks(new CapacityWatch(), 5, () => ({ memoryLoad: undefined, diskFree: undefined })).raised).toEqual([]);
  });

  it('tell of memory that grows, minutes before the limit, and end when it has come back', () => {
    const watch = new CapacityWatch();
    const random = seededRandom(6);
    const grown = looks(watch, 10, (ms) => ({ memoryLoad: 0.4 + (0.3 * ms) / 600_000 + 0.004 * random() }));
    expect(grown.raised).toEqual(['memory_pressure']);
    expect(grown.last?.message).toMatch(/grows by 3\.\d % a minute: the limit of 80\.0 % is reached in \d/);
    expect(grown.last?.lookAt).toMatch(/worker process/);
    const calm = looks(watch, 10, () => ({ memoryLoad: 0.4 }), 600_000);
    expect(calm.resolved).toEqual(['memory_pressure']);
  });

  it('tell of an arena that stays too small, with the size it should have', () => {
    const small = { pools: [{ pool: 'ml', room: 15 * MIB, largest: 10 * MIB }] };
    const { raised, last } = looks(new CapacityWatch(), 1, () => small);
    expect(raised).toEqual(['shared_memory_low:ml']);
    expect(last?.message).toMatch(/Raise arenaBytes to at least 41.9 MB/);
    // Full for a moment is what an arena is for.
    const moments = looks(new CapacityWatch(), 5, (ms) => (ms % 15_000 === 0 ? small : {}));
    expect(moments.raised).toEqual([]);
  });

  it('tell of a disk that fills up', () => {
    const { raised } = looks(new CapacityWatch(), 1, () => ({ diskFree: 100 * MIB }));
    expect(raised).toEqual(['disk_low']);
  });

  it('look every five seconds', () => {
    const watch = new CapacityWatch();
    expect(watch.due(1_000)).toBe(true);
    watch.observe({ ...CALM, atMs: 1_000 });
    expect(watch.due(5_900)).toBe(false);
    expect(watch.due(6_000)).toBe(true);
  });
});

describe('the history of the machine', () => {
  it('answers by range and stays bounded', () => {
    const history = new MachineHistory();
    const nothing = {
      systemLoad: 0.5,
      memoryLoad: undefined,
      availableMemory: undefined,
      sharedMemoryRoom: undefined,
      eventLoopDelayUs: undefined,
    };
    for (let index = 0; index < 20_000; index += 1) {
      history.add({ atMs: index * 250, ...nothing }, [{ atMs: index * 250, durationMs: 10, kind: 'major' }]);
    }
    const end = 20_000 * 250;
    expect(history.samples(end - 1_000, end)).toHaveLength(4);
    // One that began before the range and lasted into it counts.
    expect(history.pauses(end - 245, end)).toHaveLength(1);
    expect(history.samples(0, end).length).toBeLessThanOrEqual(4_800);
    expect(history.pauses(0, end).length).toBeLessThanOrEqual(8_192);
  });
});
