import { expect, it } from 'vitest';
import { nearestName } from '../../src/config/nearest-name.ts';

const KNOWN = ['enabled', 'explorationRate', 'zeroCopyThresholdMb', 'goal'];

it.each([
  ['enabeld', 'enabled'],
  ['ENABLED', 'enabled'],
  ['exploration-rate', 'explorationRate'],
  ['zero_copy_threshold_mb', 'zeroCopyThresholdMb'],
  ['gaol', undefined],
  ['goals', 'goal'],
  ['x', undefined],
  ['', undefined],
  ['completelyDifferent', undefined],
])('%s -> %s', (given, meant) => {
  expect(nearestName(given, KNOWN)).toBe(meant);
});
