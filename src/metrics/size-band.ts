/** Payload sizes grouped by powers of two, so that statistics and baselines compare like with like. */

/** Highest band: sizes of 2^52 bytes and more share it. */
export const MAX_SIZE_BAND = 53;

/** Band of a payload: 0 for an empty one, else `floor(log2(bytes)) + 1`, so that band b holds 2^(b-1) .. 2^b - 1 bytes. */
export function sizeBand(dataSize: number): number {
  if (!(dataSize >= 1)) return 0;
  if (dataSize < 0x1_0000_0000) return 32 - Math.clz32(dataSize);
  if (dataSize >= 2 ** (MAX_SIZE_BAND - 1)) return MAX_SIZE_BAND;
  return 64 - Math.clz32(Math.floor(dataSize / 0x1_0000_0000));
}

/** Smallest and largest size of a band, bytes, both included. */
export function sizeBandBounds(band: number): readonly [low: number, high: number] {
  if (band <= 0) return [0, 0];
  const low = 2 ** (Math.min(band, MAX_SIZE_BAND) - 1);
  return [low, band >= MAX_SIZE_BAND ? Number.MAX_SAFE_INTEGER : low * 2 - 1];
}

/** `64 KiB..128 KiB`: a band as people read it. */
export function sizeBandLabel(band: number): string {
  const [low] = sizeBandBounds(band);
  if (band <= 0) return 'empty';
  return `${formatBinary(low)}..${formatBinary(low * 2)}`;
}

function formatBinary(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value} ${units[unit]}`;
}
