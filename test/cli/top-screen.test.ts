/** The screen of `pitwall top`: whatever the pools are called and whatever they did, it fits, and it says what was measured. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { widthOf } from '../../src/cli/text.ts';
import { TopChoice } from '../../src/cli/top-choice.ts';
import { TOP_COLUMNS } from '../../src/cli/top-columns.ts';
import type { LaneFrame, PoolFrame, TopFrame } from '../../src/cli/top-frame.ts';
import { type TopView, topScreen } from '../../src/cli/top-screen.ts';

const lane: LaneFrame = { transfers: 30, failed: 0, fallbacks: 0, latencyUs: { p50: 840, p95: 3100, p99: 12_000 } };

function pool(overrides: Partial<PoolFrame> = {}): PoolFrame {
  return {
    pool: 'ml',
    ...lane,
    transfers: 60,
    lanes: { grpc: lane, zero_copy: lane },
    ratePerS: 57.1,
    bytesPerS: 12.3e6,
    zeroCopyShare: 0.45,
    predictionError: 0.12,
    thresholds: { thresholds: [{ dataType: undefined, bytes: 10_485_760 }], quickPathMinimum: 1_048_576 },
    rates: Array.from({ length: 59 }, (_, index) => index),
    stepSeconds: 1,
    newestUs: 1_760_000_000_000_000,
    shortened: false,
    ...overrides,
  };
}

function frame(pools: readonly PoolFrame[], overrides: Partial<TopFrame> = {}): TopFrame {
  return { atUs: 1_760_000_060_000_000, windowMs: 60_000, pools, morePools: 0, costMs: 1.5, ...overrides };
}

const view: TopView = {
  dataDir: './pitwall-data',
  width: 120,
  height: undefined,
  colour: false,
  sortColumn: 0,
  reversed: false,
  chosen: undefined,
  keys: false,
};

describe('the screen', () => {
  it('shows rate, share, latencies, failures, prediction error, threshold, and the graph of the rate', () => {
    const lines = topScreen(frame([pool({ failed: 3, fallbacks: 2 })]), { ...view, width: 140 });
    expect(lines[3]).toMatch(
      /^pool +rate\/s +MB\/s +transfers +zero-copy +p50 +p95 +p99 +failed +fallbacks +pred\.error +threshold +rate/,
    );
    expect(lines[4]).toMatch(
      /^ml +57\.1 +12\.3 +60 +45\.0 % +840 µs +3\.10 ms +12\.0 ms +3 +2 +12\.0 % +10 MiB +▁.*█$/,
    );
    expect(lines.join('\n')).toContain('zero-copy from: default 10 MiB; gRPC at once below 1 MiB');
  });

  it('gives way column by column where the terminal is narrow, the important ones last', () => {
    const title = (width: number) => topScreen(frame([pool()]), { ...view, width })[3] ?? '';
    expect(title(80)).toMatch(/rate over/);
    expect(title(80)).not.toMatch(/threshold/);
    expect(title(50)).toMatch(/pool +rate\/s .*p50 +p99/);
    expect(title(24)).toMatch(/^pool/);
  });

  it('fits into every terminal, with any names and any number of pools', () => {
    const anyPool = fc
      .tuple(
        fc.oneof(fc.string({ unit: 'binary' }), fc.string({ maxLength: 300 })),
        fc.double({ min: 0, max: 1e15, noNaN: true }),
        fc.boolean(),
      )
      .map(([name, figure, idle]) =>
        pool({
          pool: name,
          ratePerS: figure,
          bytesPerS: figure,
          transfers: idle ? 0 : Math.ceil(figure),
          latencyUs: idle ? undefined : { p50: figure, p95: figure, p99: figure },
          thresholds: idle
            ? undefined
            : { thresholds: [{ dataType: name, bytes: Math.ceil(figure) }], quickPathMinimum: 256 },
          newestUs: idle ? undefined : 0,
        }),
      );
    const size = fc.record({ width: fc.integer({ min: 20, max: 250 }), height: fc.integer({ min: 5, max: 60 }) });
    fc.assert(
      fc.property(
        fc.array(anyPool, { maxLength: 80 }),
        size,
        fc.nat(11),
        fc.boolean(),
        (pools, { width, height }, sortColumn, keys) => {
          const chosen = pools[sortColumn % Math.max(1, pools.length)]?.pool;
          const lines = topScreen(frame(pools), { ...view, width, height, sortColumn, keys, chosen });
          expect(lines.length).toBeLessThanOrEqual(height);
          for (const line of lines) {
            expect(widthOf(line)).toBeLessThanOrEqual(width);
            expect(line).not.toMatch(/\p{Cc}/u);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('says how many pools are left out, and keeps the chosen one', () => {
    const pools = Array.from({ length: 40 }, (_, index) => pool({ pool: `pool-${String(index).padStart(2, '0')}` }));
    const lines = topScreen(frame(pools, { morePools: 5 }), { ...view, height: 24, keys: true, chosen: 'pool-30' });
    expect(lines.some((line) => line.startsWith('>pool-30'))).toBe(true);
    const shown = lines.filter((line) => /^[ >]pool-\d\d /.test(line)).length;
    expect(lines).toContain(`… and ${45 - shown} more`);
    expect(lines.at(-1)).toMatch(/^q quit/);
  });

  it('has colour only where it is wanted', () => {
    const escapes = (colour: boolean) =>
      topScreen(frame([pool({ failed: 1 })]), { ...view, colour })
        .join('')
        .split('\u001b[31m').length - 1;
    expect(escapes(true)).toBe(1);
    expect(topScreen(frame([pool({ failed: 1 })]), view).join('')).not.toContain('\u001b');
  });

  it('says that nothing is there, and since when it is quiet', () => {
    expect(topScreen(frame([]), view)).toContain('no pool has records yet');
    const quiet = pool({ transfers: 0, latencyUs: undefined, newestUs: 1_759_999_000_000_000 });
    expect(topScreen(frame([quiet]), view).join('\n')).toMatch(/quiet: the last record is 17 minutes old, 2025-10-09T/);
  });
});

describe('keys', () => {
  const pools = [
    pool({ pool: 'a', ratePerS: 1, latencyUs: undefined }),
    pool({ pool: 'b', ratePerS: 3 }),
    pool({ pool: 'c', ratePerS: 2 }),
  ];
  const order = (choice: TopChoice) =>
    topScreen(frame(pools), { ...view, ...choice.state(frame(pools)) })
      .slice(4, 7)
      .map((line) => line[0]);

  it('choose the next pool, round and round', () => {
    const choice = new TopChoice();
    const chosen = () => choice.state(frame(pools)).chosen;
    expect(chosen()).toBe('a');
    choice.heed('next', frame(pools));
    expect(chosen()).toBe('b');
    choice.heed('next', frame(pools));
    choice.heed('next', frame(pools));
    expect(chosen()).toBe('a');
    choice.heed('next', frame(pools));
    expect(choice.state(frame([])).chosen).toBeUndefined();
  });

  it('sort by another column, the greatest first, and the other way round', () => {
    const choice = new TopChoice();
    expect(order(choice)).toEqual(['a', 'b', 'c']);
    choice.heed('right', undefined);
    expect(order(choice)).toEqual(['b', 'c', 'a']);
    choice.heed('reverse', undefined);
    expect(order(choice)).toEqual(['a', 'c', 'b']);
    choice.heed('reverse', undefined);
    choice.heed('left', undefined);
    choice.heed('left', undefined);
    expect(choice.state(frame(pools)).sortColumn).toBe(TOP_COLUMNS.length - 1);
    for (let column = 0; TOP_COLUMNS[column]?.title !== 'p50'; column += 1) choice.heed('left', undefined);
  });
});
