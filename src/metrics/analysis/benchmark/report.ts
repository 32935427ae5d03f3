/** From what was measured to a report. Pure. */
import type { Method } from '../../../decision/types.ts';
import { outliers } from '../robust.ts';
import { crossing, logRatio, ratioInterval, resampledLogRatios, type SizedRatio } from './compare.ts';
import { quantileEstimate } from './quantiles.ts';
import { cellsOf } from './scenario.ts';
import type { Tally } from './tally.ts';
import type { BenchmarkCell, BenchmarkPlan, BenchmarkReport, CellResult, Crossover, LaneResult } from './types.ts';

/** What the one who ran it knows beside the measurements. */
export type RunFacts = Pick<
  BenchmarkReport,
  'startedAtMs' | 'elapsedMs' | 'machine' | 'ended' | 'busyMs' | 'production'
>;

const QUANTILES = [0.5, 0.9, 0.99];

/** Pauses about every millisecond of work: a report of thousands of lines must not stop a host's event loop. */
export function* assembleReport(
  plan: BenchmarkPlan,
  tally: Tally,
  facts: RunFacts,
): Generator<void, BenchmarkReport, void> {
  const cells: CellResult[] = [];
  const ratios: (SizedRatio | undefined)[] = [];
  for (const [index, cell] of cellsOf(plan).entries()) {
    const lanes = plan.lanes.map((lane) => laneResult(tally, index, cell, lane, plan.confidence));
    const ratio = yield* sizedRatio(tally, index, cell, plan.seed);
    cells.push({ ...cell, lanes, ...comparison(ratio, plan.confidence) });
    ratios.push(ratio);
    yield;
  }
  const { rounds, ...transfers } = tally.totals;
  return {
    version: 1,
    startedAtMs: facts.startedAtMs,
    elapsedMs: facts.elapsedMs,
    plan,
    machine: facts.machine,
    ended: facts.ended,
    rounds,
    transfers,
    busyMs: facts.busyMs,
    busyShare: facts.elapsedMs > 0 ? facts.busyMs / facts.elapsedMs : 0,
    cells,
    crossovers: crossovers(cells, ratios, plan.confidence),
    production: facts.production,
  };
}

function laneResult(tally: Tally, index: number, cell: BenchmarkCell, lane: Method, confidence: number): LaneResult {
  const { latencies, failed, errorCode, otherMemory } = tally.of(index, lane);
  const sorted = [...latencies.values()].sort((a, b) => a - b);
  const quantiles = sorted.length === 0 ? [] : QUANTILES.map((q) => quantileEstimate(sorted, q, confidence));
  const medianUs = quantiles[0]?.us;
  return {
    lane,
    count: sorted.length,
    failed,
    errorCode,
    quantiles,
    minUs: sorted[0],
    meanUs: sorted.length === 0 ? undefined : sorted.reduce((sum, us) => sum + us, 0) / sorted.length,
    maxUs: sorted.at(-1),
    outliers: outliers(sorted).length,
    otherMemory,
    throughputMBps: medianUs === undefined ? undefined : (cell.dataSize * cell.concurrency) / medianUs,
  };
}

function* sizedRatio(
  tally: Tally,
  index: number,
  { dataSize }: BenchmarkCell,
  seed: number,
): Generator<void, SizedRatio | undefined, void> {
  const pair = tally.paired(index);
  if (pair.zeroCopy.length === 0) return undefined;
  return { dataSize, logRatio: logRatio(pair), resampled: yield* resampledLogRatios(pair, seed) };
}

function comparison(
  ratio: SizedRatio | undefined,
  confidence: number,
): Pick<CellResult, 'ratio' | 'ratioInterval' | 'faster'> {
  if (ratio === undefined) return { ratio: undefined, ratioInterval: undefined, faster: undefined };
  const interval = ratio.resampled && ratioInterval(ratio.resampled, confidence);
  return { ratio: Math.exp(ratio.logRatio), ratioInterval: interval, faster: fasterBy(interval) };
}

function fasterBy(interval: CellResult['ratioInterval']): Method | undefined {
  if (interval === undefined) return undefined;
  if (interval.high < 1) return 'zero_copy';
  return interval.low > 1 ? 'grpc' : undefined;
}

/** One per series: what differs in size alone. */
function crossovers(
  cells: readonly CellResult[],
  ratios: readonly (SizedRatio | undefined)[],
  confidence: number,
): Crossover[] {
  const series = new Map<string, { kind: Omit<BenchmarkCell, 'dataSize'>; sized: SizedRatio[] }>();
  for (const [index, cell] of cells.entries()) {
    const sized = ratios[index];
    const key = seriesKey(cell);
    const { dataType, format, compression, concurrency, memory } = cell;
    const known = series.get(key) ?? { kind: { dataType, format, compression, concurrency, memory }, sized: [] };
    if (sized) known.sized.push(sized);
    series.set(key, known);
  }
  return [...series.values()].flatMap(({ kind, sized }) => {
    const found = crossing(sized, confidence);
    return found === undefined ? [] : [{ ...kind, ...found }];
  });
}

/** What all sizes of a series have in common. */
export function seriesKey(cell: Omit<BenchmarkCell, 'dataSize'>): string {
  return JSON.stringify([cell.dataType, cell.format, cell.compression, cell.concurrency, cell.memory]);
}
