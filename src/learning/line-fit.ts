/** A line through measured latencies, by least squares on relative errors: a microsecond matters at 1 KiB and not at 8 MiB. */
import type { LaneLine } from './machine-card.ts';

export interface MeasuredSize {
  readonly bytes: number;
  /** Typical latency, > 0. */
  readonly us: number;
  readonly transfers: number;
}

/**
 * Minimises sum((fixed + perByte * bytes) / us - 1)^2 with both terms above their least value; undefined without two sizes.
 *
 * @param least what either term is at least: measurements of a busy machine may cross
 */
export function fitLine(
  points: readonly MeasuredSize[],
  least: { readonly fixedUs: number; readonly usPerByte: number },
): LaneLine | undefined {
  if (new Set(points.map(({ bytes }) => bytes)).size < 2) return undefined;
  // Normal equations of a * u + b * v = 1 with u = 1 / us, v = bytes / us.
  let [uu, uv, vv, u1, v1] = [0, 0, 0, 0, 0];
  let transfers = 0;
  for (const { bytes, us, transfers: count } of points) {
    const u = 1 / us;
    const v = bytes / us;
    uu += u * u;
    uv += u * v;
    vv += v * v;
    u1 += u;
    v1 += v;
    transfers += count;
  }
  const determinant = uu * vv - uv * uv;
  let fixedUs = (u1 * vv - v1 * uv) / determinant;
  let usPerByte = (v1 * uu - u1 * uv) / determinant;
  if (!(fixedUs >= least.fixedUs)) {
    fixedUs = least.fixedUs;
    usPerByte = (v1 - fixedUs * uv) / vv;
  }
  if (!(usPerByte >= least.usPerByte)) {
    usPerByte = least.usPerByte;
    fixedUs = Math.max(least.fixedUs, (u1 - usPerByte * uv) / uu);
  }
  return { fixedUs, usPerByte: Math.max(least.usPerByte, usPerByte), transfers };
}
