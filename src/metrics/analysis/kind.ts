/** Transfers that are compared with each other: pool, lane, type, size band, compression, memory. Pure. */
import type { TransferRecord } from '../record.ts';
import { sizeBand, sizeBandLabel } from '../size-band.ts';
import { laneName } from './words.ts';

/** Transfers that are compared with each other. */
export interface TransferKind {
  readonly pool: string;
  readonly method: TransferRecord['method'];
  readonly dataType: string;
  /** See `sizeBandLabel`: band b holds 2^(b-1) .. 2^b - 1 bytes. */
  readonly sizeBand: number;
  readonly compression: boolean;
  /** Whether the memory was mapped and faulted in; undefined for gRPC, and where nobody knows. */
  readonly warm: boolean | undefined;
  /** Built in shared memory by the host: nothing was copied. */
  readonly inPlace: boolean;
}

export function kindOf(record: TransferRecord): TransferKind {
  const { pool, method, dataType, compression, warm, dataSize, reason } = record;
  return { pool, method, dataType, compression, warm, sizeBand: sizeBand(dataSize), inPlace: reason === 'in_place' };
}

/** Names a kind: `ml|grpc|tensor|23|plain|`. */
export function keyOf({ pool, method, dataType, sizeBand: band, compression, warm, inPlace }: TransferKind): string {
  const memory = inPlace ? 'in_place' : warm === undefined ? '' : warm ? 'warm' : 'cold';
  return `${pool}|${method}|${dataType}|${band}|${compression ? 'gzip' : 'plain'}|${memory}`;
}

/** `gRPC, tensor, 4 MiB..8 MiB`: a kind as people read it. */
export function describeKind({ method, dataType, sizeBand: band, compression, warm, inPlace }: TransferKind): string {
  const memory = inPlace ? ' in place' : warm === undefined ? '' : warm ? ' into warm memory' : ' into cold memory';
  return `${laneName(method)}${memory}, ${dataType}${compression ? ' (gzip)' : ''}, ${sizeBandLabel(band)}`;
}
