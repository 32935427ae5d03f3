/** What is asked of the records of a range: where the time went. */
import { type Bottleneck, bottleneck } from '../metrics/analysis/bottleneck.ts';
import type { TransferRecord } from '../metrics/record.ts';

/** Where each lane's time goes; undefined where its transfers report no parts. */
export interface LaneBottlenecks {
  readonly zeroCopy: Bottleneck | undefined;
  readonly grpc: Bottleneck | undefined;
}

export function laneBottlenecks(records: readonly TransferRecord[]): LaneBottlenecks {
  return {
    zeroCopy: bottleneck(records.filter(({ method }) => method === 'zero_copy')),
    grpc: bottleneck(records.filter(({ method }) => method === 'grpc')),
  };
}
