import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMeminfo, parseProcStat } from '../../src/actors/resource-proc.ts';

// Heads of the real files of a machine with two cores, Linux 6.18.
const STAT = `cpu  9095 0 6536 351731 1055 0 398 0 0 0
cpu0 3774 0 2705 177723 34 0 176 0 0 0
cpu1 5320 0 3831 174007 1021 0 222 0 0 0
intr 381560 0 0 0 0
ctxt 826884
`;
const MEMINFO = `MemTotal:       24683620 kB
MemFree:        23710560 kB
MemAvailable:   24137604 kB
Buffers:            9264 kB
Cached:           556100 kB
SwapCached:            0 kB
`;

describe('/proc/stat', () => {
  it('counts idle and waiting for I/O as free, everything else as busy', () => {
    expect(parseProcStat(STAT)).toEqual({ busy: 9095 + 6536 + 398, total: 9095 + 6536 + 351731 + 1055 + 398 });
  });

  it('counts stolen time as busy and guest time once', () => {
    expect(parseProcStat('cpu  100 10 20 700 50 1 2 30 40 5\n')).toEqual({ busy: 163, total: 913 });
  });

  it('reads the four columns of old kernels', () => {
    expect(parseProcStat('cpu 1 2 3 4\n')).toEqual({ busy: 6, total: 10 });
  });
});

describe('/proc/meminfo', () => {
  it('is bytes, and available is what the kernel says', () => {
    expect(parseMeminfo(MEMINFO)).toEqual({ total: 24683620 * 1024, available: 24137604 * 1024 });
  });

  it('adds up what can be dropped where the kernel does not say', () => {
    const old = MEMINFO.replace(/^MemAvailable.*\n/m, '');
    expect(parseMeminfo(old)?.available).toBe((23710560 + 9264 + 556100) * 1024);
  });
});

it('any other text is no answer, or one of finite numbers', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `cpu ${text}`),
        fc.string().map((text) => `MemTotal: ${text}`),
      ),
      (text) => {
        for (const answer of [parseProcStat(text), parseMeminfo(text)]) {
          for (const value of Object.values(answer ?? {})) expect(Number.isFinite(value)).toBe(true);
        }
      },
    ),
  );
});
