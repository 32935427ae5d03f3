import { describe, expect, it } from 'vitest';
import { progressText } from '../../src/cli/progress-line.ts';

describe('the progress of a long job', () => {
  it('is a bar with percent, rate and time left where the total is known', () => {
    const half = { done: 1_000_000, total: 2_000_000, unit: 'records', count: 1_000_000 };
    expect(progressText(half, 4000, 200)).toBe(
      '[████████████░░░░░░░░░░░░]   50 %  1 000 000 records  250 000/s  4 s left',
    );
    expect(progressText({ ...half, done: 1, total: 1000, count: 10 }, 1_000_000, 200)).toContain(
      '0 %  10 records  0/s  278 h left',
    );
  });

  it('says nothing of the rate in the first moments', () => {
    expect(progressText({ done: 0, total: 10, unit: 'records', count: 0 }, 10, 200)).toBe(
      '[░░░░░░░░░░░░░░░░░░░░░░░░]    0 %  0 records',
    );
  });

  it('counts alone where nobody knows the total, and where there is none', () => {
    for (const total of [undefined, 0]) {
      expect(progressText({ done: 7, total, unit: 'records', count: 7 }, 1000, 200)).toBe('7 records  7/s');
    }
  });

  it('ends at 100 %, whatever was added meanwhile, and fits the screen', () => {
    const more = { done: 30, total: 20, unit: 'records', count: 30 };
    expect(progressText(more, 1000, 200)).toBe('[████████████████████████]  100 %  30 records  30/s');
    expect(progressText(more, 1000, 20)).toHaveLength(20);
  });
});
