const MEBIBYTE = 1_048_576;

/** Whole bytes. */
export function mbToBytes(mb: number): number {
  return Math.round(mb * MEBIBYTE);
}

/** Exact: whole bytes come back as they were. */
export function bytesToMb(bytes: number): number {
  return bytes / MEBIBYTE;
}
