/** Calls of `pitwall bench` that are refused, before anything is started. */
import { expect, it } from 'vitest';
import { command } from '../../src/cli/bench.ts';

it.each([
  [['--sizes', '4XB'], '--sizes: expected sizes such as 4096, 64KiB or 1MB, got "4XB"'],
  [['--sizes', '2GiB'], 'sizes[0]: expected a whole number in 1..1073741824'],
  [['--types', 'tensors'], 'did you mean tensor?'],
  [['--memory', 'hot'], 'accepted: warm, cold'],
  [['--share', '2'], '--share: expected a number in 0.0001..1, got 2'],
  [['--concurrency', '1000'], 'concurrency[0]: expected a whole number in 1..64, got 1000'],
  [['--rows', '5'], '--rows: goes with --trace'],
  [['--trace', 'a', '--json'], '--trace: writes no report'],
  [['file'], '"file": not expected here'],
])('refuses %j', async (args, why) => {
  await expect(command.run(args)).rejects.toThrow(why);
  await expect(command.run(args)).rejects.toMatchObject({ code: 'PITWALL_USAGE' });
});
