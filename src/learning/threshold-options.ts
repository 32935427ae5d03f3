/** Defaults and limits of a threshold tuner's options. */
import { InvalidArgumentError } from '../errors.ts';
import type { ThresholdTuningOptions } from './threshold-types.ts';

/** @throws InvalidArgumentError naming the option */
export function checkedTuningOptions(options: ThresholdTuningOptions): Required<ThresholdTuningOptions> {
  const full = {
    memoryPressureThreshold: 0.8,
    cpuPressureThreshold: 0.8,
    band: 0.25,
    smoothing: 0.1,
    minimumSamples: 20,
    minimumIntervalMs: 1000,
    maxDataTypes: 64,
    historyLimit: 256,
    ...options,
  };
  const check = (field: keyof typeof full, low: number, high: number): void => {
    const value = full[field];
    if (!(value >= low && value <= high)) throw new InvalidArgumentError(field, value, `a number in ${low}..${high}`);
  };
  check('minimumThreshold', 1, Number.MAX_SAFE_INTEGER);
  check('maximumThreshold', full.minimumThreshold, Number.MAX_SAFE_INTEGER);
  check('base', 1, Number.MAX_SAFE_INTEGER);
  check('memoryPressureThreshold', 0, 1);
  check('cpuPressureThreshold', 0, 1);
  check('band', 0, 10);
  check('smoothing', 0, 1);
  check('minimumSamples', 0, 1e9);
  check('minimumIntervalMs', 0, 1e12);
  check('maxDataTypes', 1, 4096);
  check('historyLimit', 1, 100_000);
  return full;
}
