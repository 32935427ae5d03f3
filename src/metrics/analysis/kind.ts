/** Transfers that are compared with each other: lane, type, size band, compression, memory. Pure. */

import type { TransferRecord } from '../record.ts';
import { sizeBand } from '../size-band.ts';

type Comparable = Pick<TransferRecord, 'method' | 'dataType' | 'dataSize' | 'compression' | 'warm'>;

export function kindKey({ method, dataType, dataSize, compression, warm }: Comparable): string {
  return `${method}|${dataType}|${sizeBand(dataSize)}|${compression}|${warm}`;
}
