// @ts-check
/** Figures as people read them. What is not known is a dash. */

const NOTHING = '–';

/** @param {number | null | undefined} bytes */
export function size(bytes) {
  if (bytes === null || bytes === undefined) return NOTHING;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${short(value)} ${units[unit]}`;
}

/** @param {number | null | undefined} us microseconds */
export function time(us) {
  if (us === null || us === undefined) return NOTHING;
  if (us < 1_000) return `${short(us)} µs`;
  if (us < 1_000_000) return `${short(us / 1_000)} ms`;
  return `${short(us / 1_000_000)} s`;
}

/** @param {number | null | undefined} share 0..1 */
export function percent(share) {
  return share === null || share === undefined ? NOTHING : `${short(share * 100)} %`;
}

/** @param {number | null | undefined} value */
export function count(value) {
  if (value === null || value === undefined) return NOTHING;
  return value < 100 ? short(value) : Math.round(value).toLocaleString('en').replaceAll(',', '\u202f');
}

/** @param {number} atMs */
export function clock(atMs) {
  return new Date(atMs).toLocaleTimeString('en-GB');
}

/** @param {number | null | undefined} atMs */
export function moment(atMs) {
  return atMs === null || atMs === undefined ? NOTHING : new Date(atMs).toLocaleString('en-GB');
}

/** @param {string} method */
export function lane(method) {
  return method === 'zero_copy' ? 'zero-copy' : method === 'grpc' ? 'gRPC' : method;
}

/** @param {number} value */
function short(value) {
  if (Math.abs(value) >= 100 || Number.isInteger(value)) return String(Math.round(value));
  return String(Number(value.toPrecision(value < 1 ? 2 : 3)));
}
