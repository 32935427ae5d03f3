/** Both lanes by size against their bars: see lanes.ts for what is measured; lanes-chart.ts draws the same. */
import { type LanesAt, measureLanes } from './lanes.ts';
import { atLeast, atMost, type BenchRow } from './row.ts';

const KIB = 1024;
const MIB = 2 ** 20;

export async function run(): Promise<BenchRow[]> {
  return rowsOf(await measureLanes());
}

function rowsOf(measured: readonly LanesAt[]): BenchRow[] {
  const rows: BenchRow[] = [];
  for (const { size, ms, chosen, chosenOverBetter } of measured) {
    const label = labelOf(size);
    const plain = { name: 'gRPC as it comes', value: ms.plain };
    rows.push(
      { name: `${label} by gRPC`, value: ms.grpc, unit: 'ms', peer: plain },
      { name: `${label} by zero-copy, copied in`, value: ms.zeroCopy, unit: 'ms', peer: plain },
      { name: `${label} by zero-copy, built in place`, value: ms.inPlace, unit: 'ms', peer: plain },
      atMost(`${label} built in place, to a message without payload`, ms.inPlace / ms.empty, '', 1.5),
      atMost(`${label} by the lane that is chosen (${chosen}), to the better`, chosenOverBetter, '', 1.05),
    );
    if (size >= MIB) {
      rows.push(atMost(`${label} copied in, to memcpy and a message`, ms.zeroCopy / (ms.memcpy + ms.empty), '', 1.5));
    }
    if (size === 100 * MIB) {
      rows.push(
        atLeast(`${label} built in place: times faster than gRPC as it comes`, ms.plain / ms.inPlace, '', 300),
        atLeast(`${label} copied in: times faster than gRPC as it comes`, ms.plain / ms.zeroCopy, '', 20),
      );
    }
  }
  const first = measured[0];
  if (first !== undefined) {
    const echo = { name: 'a bare Unix socket', value: first.ms.echo };
    rows.unshift({ name: 'a message without payload', value: first.ms.empty, unit: 'ms', peer: echo });
  }
  return rows;
}

function labelOf(size: number): string {
  return size >= MIB ? `${size / MIB} MiB` : `${size / KIB} KiB`;
}
