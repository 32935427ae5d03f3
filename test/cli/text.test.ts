/** Text for terminals: it lines up, and no name of a host's makes a terminal do anything. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDuration } from '../../src/cli/duration.ts';
import { clip, padEnd, padStart, printable, sparkline, table, widthOf } from '../../src/cli/text.ts';
import { formatTime, readRange, readTime } from '../../src/cli/time-range.ts';

const anyText = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }));

describe('names', () => {
  it('lose every control character, whatever they hold', () => {
    fc.assert(fc.property(anyText, (name) => !/[\p{Cc}\p{Cf}\p{Cs}]/u.test(printable(name))));
    expect(printable('a\u001b[2Jb\nc\u202e')).toBe('a\\u{1b}[2Jb\\u{a}c\\u{202e}');
    expect(printable('größer 数据 🚀')).toBe('größer 数据 🚀');
  });

  it('are cut and padded by what is seen', () => {
    expect(widthOf('数据')).toBe(4);
    expect(widthOf('e\u0301')).toBe(1);
    fc.assert(
      fc.property(anyText, fc.integer({ min: 0, max: 40 }), (text, width) => {
        expect(widthOf(clip(text, width))).toBeLessThanOrEqual(width);
        expect(widthOf(padEnd(clip(text, width), width))).toBe(width);
        expect(widthOf(padStart(clip(text, width), width))).toBe(width);
      }),
    );
  });

  it('do not move the columns of a table', () => {
    const cells = fc.array(fc.tuple(anyText.map(printable), fc.nat().map(String)), { maxLength: 8 });
    fc.assert(
      fc.property(cells, (rows) => {
        const lines = table([{ title: 'name', align: 'left' }, { title: 'n' }], rows);
        expect(new Set(lines.map(widthOf)).size).toBe(1);
      }),
    );
  });
});

describe('a sparkline', () => {
  it('goes from nothing to the greatest, and leaves gaps where nothing is known', () => {
    expect(sparkline([0, 1, 50, undefined, 100], 10)).toBe('▁▂▅ █');
    expect(sparkline([0, 0], 10)).toBe('▁▁');
    expect(sparkline([], 10)).toBe('');
  });

  it('averages neighbours where there is less room', () => {
    expect(sparkline([0, 0, 100, 100], 2)).toBe('▁█');
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.double({ min: 0, max: 1e12, noNaN: true }), { nil: undefined }), { maxLength: 200 }),
        fc.integer({ min: 0, max: 80 }),
        (values, width) => [...sparkline(values, width)].length === Math.min(values.length, width),
      ),
    );
  });
});

describe('times', () => {
  it('are read back as they are printed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4_102_444_800_000 }),
        (ms) => readTime('--from', formatTime(ms * 1000)) === ms * 1000,
      ),
    );
    expect(readTime('--from', '2026-03-01')).toBe(Date.UTC(2026, 2, 1) * 1000);
    expect(readTime('--from', '2026-03-01T08:30')).toBe(Date.UTC(2026, 2, 1, 8, 30) * 1000);
    expect(readTime('--from', '2026-03-01T08:30+02:00')).toBe(Date.UTC(2026, 2, 1, 6, 30) * 1000);
  });

  it.each([
    '',
    'yesterday',
    '2026-02-30',
    '2026-3-1',
    '2026-03-01 08:30',
    '2026-03-01T25:00',
    '1767225600',
    '2026-03-01T08:30:00+99:99',
  ])('%j is refused', (text) => expect(() => readTime('--from', text)).toThrow(/--from: expected a time such as/));

  it('ranges are one kind or the other, and run forwards', () => {
    const now = Date.UTC(2026, 2, 1) * 1000;
    expect(readRange({ since: '1h' }, now)).toEqual({ fromUs: now - 3_600_000_000 });
    expect(readRange({ to: '2026-03-01' }, now)).toEqual({ toUs: now });
    expect(readRange({}, now)).toEqual({});
    expect(() => readRange({ since: '1h', to: '2026-03-01' }, now)).toThrow(/without --from and --to/);
    expect(() => readRange({ from: '2026-03-02', to: '2026-03-01' }, now)).toThrow(/must lie before/);
  });

  it('spans have a unit and lie within their bounds', () => {
    expect(readDuration('--since', '1.5h')).toBe(5_400_000);
    for (const text of ['', '5', 'h', '-1h', '1e3s', '0s', '1 h', '1w', '99999999d', '٣s']) {
      expect(() => readDuration('--since', text), text).toThrow(/--since/);
    }
    expect(() => readDuration('--series', '999ms', ['1s', '1h'])).toThrow(/1s\.\.1h/);
    expect(readDuration('--series', '3600s', ['1s', '1h'])).toBe(3_600_000);
  });
});
