/**
 * How pressure on the machine moves thresholds. Memory pressure lowers the zero-copy threshold (gRPC holds about three copies of a payload,
 * shared memory one), cpu pressure lowers it less (serialization is what gRPC spends cpu on). In steps, so that a load that trembles moves
 * nothing, and immediate, so that the reaction takes one sample.
 */
export interface ResourcePressure {
  /** Shares 0..1; undefined: unknown, nothing adjusted. */
  readonly memoryLoad: number | undefined;
  readonly systemLoad: number | undefined;
}

export interface PressureThresholds {
  readonly memoryPressureThreshold: number;
  readonly cpuPressureThreshold: number;
}

const STEP = 1 / 8;
const MOST_FOR_MEMORY = 0.5;
const MOST_FOR_CPU = 0.25;
/** How far pressure must fall below the line where a step was taken before it is taken back, in steps. */
const GAP_STEPS = 0.6;

/** The factor after a sample: within 0.25..1, in steps of 1/8. `current` is the one in force. */
export function resourceFactor(current: number, pressure: ResourcePressure, thresholds: PressureThresholds): number {
  const reduction =
    MOST_FOR_MEMORY * excess(pressure.memoryLoad, thresholds.memoryPressureThreshold) +
    MOST_FOR_CPU * excess(pressure.systemLoad, thresholds.cpuPressureThreshold);
  const wanted = 1 - reduction;
  const stepped = Math.ceil(wanted / STEP - 1e-9) * STEP;
  const next = wanted < 1 && stepped === 1 ? 1 - STEP : stepped;
  if (next <= current) return Math.max(0.25, next);
  // Upwards only once the pressure is clearly below the step: the next sample may be back above it.
  return wanted - current >= GAP_STEPS * STEP || wanted === 1 ? Math.min(1, next) : current;
}

/** For logs. */
export function describePressure(pressure: ResourcePressure): string {
  const share = (value: number | undefined): string =>
    value === undefined ? 'unknown' : `${Math.round(value * 100)} %`;
  return `memory ${share(pressure.memoryLoad)}, cpu ${share(pressure.systemLoad)}`;
}

/** 0 up to the threshold, 1 at full load. */
function excess(load: number | undefined, threshold: number): number {
  if (load === undefined || !(load > threshold) || threshold >= 1) return 0;
  return Math.min(1, (load - threshold) / (1 - threshold));
}
