/** How figures of a report are written, in a terminal as in a page. Pure. */
import type { Method } from '../../../decision/types.ts';
import type { BenchmarkCell, BenchmarkReport, CellResult, Crossover, EndReason } from './types.ts';

export function laneName(lane: Method): string {
  return lane === 'zero_copy' ? 'zero-copy' : 'gRPC';
}

/** Three digits: `84 us`, `1.27 ms`, `3.4 s`. */
export function time(us: number | undefined): string {
  if (us === undefined || !Number.isFinite(us)) return '-';
  if (us < 999.5) return `${digits(us)} us`;
  return us < 999_500 ? `${digits(us / 1_000)} ms` : `${digits(us / 1_000_000)} s`;
}

export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit += 1) value /= 1024;
  return `${digits(value)} ${units[unit]}`;
}

export function ratio({ ratio: value, ratioInterval: interval }: CellResult): string {
  if (value === undefined) return '-';
  return interval === undefined
    ? value.toFixed(2)
    : `${value.toFixed(2)} (${interval.low.toFixed(2)}..${interval.high.toFixed(2)})`;
}

/** `tensor/numpy, gzip, 4 in flight, cold memory`: what a series has in common. */
export function seriesName(cell: Omit<BenchmarkCell, 'dataSize'>): string {
  const { dataType, format, compression, concurrency, memory } = cell;
  const parts = [`${dataType}/${format}`, compression ? 'gzip' : 'uncompressed', `${concurrency} in flight`];
  return [...parts, `${memory} memory`].join(', ');
}

export function crossoverText({ bytes, faster, lowBytes, highBytes }: Crossover, sizes: readonly number[]): string {
  if (bytes === undefined)
    return faster === undefined ? 'unknown' : `${laneName(faster)} is faster at every size measured`;
  const low = lowBytes === undefined ? `below ${size(sizes[0] ?? 0)}` : size(lowBytes);
  const high = highBytes === undefined ? `beyond ${size(sizes.at(-1) ?? 0)}` : size(highBytes);
  return `zero-copy is faster from ${size(bytes)} on (${low} .. ${high})`;
}

export function endText({ ended, plan }: BenchmarkReport): string {
  return ended.detail === undefined
    ? ENDS[ended.reason](plan.timeLimitMs)
    : `${ENDS[ended.reason](plan.timeLimitMs)}: ${ended.detail}`;
}

const ENDS: Readonly<Record<EndReason, (timeLimitMs: number) => string>> = {
  complete: () => 'complete',
  time_limit: (ms) => `stopped at its time limit of ${(ms / 1000).toFixed(0)} s`,
  cancelled: () => 'cancelled',
  production_impact: () => 'stopped itself, because production got slower',
  failing: () => 'stopped, because every transfer failed',
  shutdown: () => 'stopped, because the runtime was shut down',
};

/** What a reader must know before the figures. */
export function summaryLines(report: BenchmarkReport): string[] {
  const { machine, transfers, plan, production } = report;
  const lines = [
    `${machine.cpu}, ${machine.cores} cores, ${size(machine.memory)}; Node ${machine.node}, ${machine.platform} ${machine.arch}`,
    `${endText(report)}; ${report.rounds} of ${plan.repetitions} rounds, ${transfers.measured} transfers measured (${transfers.warmUp} to warm up, ${transfers.failed} failed) in ${(report.elapsedMs / 1000).toFixed(1)} s`,
    `took ${(report.busyShare * 100).toFixed(1)} % of one core's time (at most ${(plan.share * 100).toFixed(1)} %); seed ${plan.seed}; intervals of ${(plan.confidence * 100).toFixed(1)} %`,
  ];
  if (production !== undefined && production.during + production.before > 0) lines.push(productionLine(report));
  return lines;
}

function productionLine({ production }: BenchmarkReport): string {
  if (production === undefined) return '';
  const { during, before, medianRatio, evidence, bar } = production;
  const change = medianRatio === undefined ? 'nothing to compare' : `median latency x ${medianRatio.toFixed(2)}`;
  return `production meanwhile: ${during} transfers against ${before} before, ${change}; evidence ${evidence.toPrecision(2)} of ${bar}`;
}

/** Three digits, thousands written out. */
export function digits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1).replace(/\.0$/, '') : value.toFixed(2).replace(/\.?0+$/, '');
}
