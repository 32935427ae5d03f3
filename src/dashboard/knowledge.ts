/** What a pool has learned, made ready to draw: both lanes' cost by size, where they cross, and what decisions make of it. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { compareBy } from '../decision/estimate.ts';
import { formatLane, formatRange } from '../decision/format-table.ts';
import { comparedBy } from '../decision/objective.ts';
import { priorComparison } from '../decision/prior.ts';
import { type PayloadKind, sizeRanges } from '../decision/table.ts';
import type { PoolSnapshot, ResourceSnapshot } from '../decision/types.ts';
import type { CostModelSnapshot, Features } from '../learning/types.ts';
import type { CostCurve, PoolKnowledge, RecentTransfer, ThresholdNow } from './frames.ts';

/** 1 KiB to 1 GiB, two sizes a doubling. */
const SIZES: readonly number[] = Array.from({ length: 41 }, (_, step) => Math.round(2 ** (10 + step / 2)));
const MAX_KINDS = 4;
const USUAL: PayloadKind = { dataType: 'tensor', format: 'numpy' };

export interface Share {
  readonly kind: PayloadKind;
  readonly share: number;
}

/** The kinds of payload that a pool's transfers have, the most frequent first. */
export function kindsOf(recent: readonly Pick<RecentTransfer, 'dataType' | 'format'>[]): readonly Share[] {
  const counts = new Map<string, { kind: PayloadKind; count: number }>();
  for (const { dataType, format } of recent) {
    const key = JSON.stringify([dataType, format]);
    const known = counts.get(key);
    if (known) known.count += 1;
    else counts.set(key, { kind: { dataType, format }, count: 1 });
  }
  const kinds = [...counts.values()].sort((a, b) => b.count - a.count).slice(0, MAX_KINDS);
  if (kinds.length === 0) return [{ kind: USUAL, share: 1 }];
  return kinds.map(({ kind, count }) => ({ kind, share: count / recent.length }));
}

/** In pieces of about a millisecond, between which the event loop runs. */
export async function curvesOf(
  slot: PoolSnapshot,
  kinds: readonly Share[],
  resources: ResourceSnapshot | undefined,
): Promise<Pick<PoolKnowledge, 'source' | 'curves'>> {
  const learner: CostModelSnapshot | undefined = slot.model ?? slot.costModel;
  const curves: CostCurve[] = [];
  for (const kind of kinds) {
    curves.push(curveOf(slot, learner, kind, resources));
    await nextTurn();
  }
  return { source: slot.model ? 'model' : slot.costModel ? 'cost_model' : 'prior', curves };
}

function curveOf(
  slot: PoolSnapshot,
  learner: CostModelSnapshot | undefined,
  { kind, share }: Share,
  resources: ResourceSnapshot | undefined,
): CostCurve {
  const { dataType, format, compression = false } = kind;
  const statistic = comparedBy(slot.policy.goal);
  const machine = { systemLoad: resources?.systemLoad, availableMemory: resources?.availableMemory };
  const features = (dataSize: number, warm: boolean): Features => ({
    ...{ dataSize, dataType, format, compression, warm, inFlight: Math.max(1, slot.inFlight), hourOfDay: 0 },
    ...machine,
  });
  const at = (warm: boolean) =>
    SIZES.map((size) => {
      const asked = features(size, warm);
      return learner === undefined ? priorComparison(asked) : compareBy(learner, asked);
    });
  const [warm, cold] = [at(true), at(false)];
  const us = (estimate: { latencyUs: number; meanLatencyUs: number }): number =>
    statistic === 'mean' ? estimate.meanLatencyUs : estimate.latencyUs;
  const ranges = (warmth: 'warm' | 'cold'): string =>
    sizeRanges(slot, { ...kind, warmth }, resources)
      .map((range) => `${formatRange(range)} ${formatLane(range.method)} (${range.reason})`)
      .join(', ');
  const [grpcUs, warmUs, coldUs] = [
    warm.map(({ grpc }) => us(grpc)),
    warm.map(({ zeroCopy }) => us(zeroCopy)),
    cold.map(({ zeroCopy }) => us(zeroCopy)),
  ];
  return {
    ...{ dataType, format, share, sizes: SIZES, grpcUs, zeroCopyWarmUs: warmUs, zeroCopyColdUs: coldUs },
    crossoverWarm: crossing(grpcUs, warmUs),
    crossoverCold: crossing(grpcUs, coldUs),
    decidedWarm: ranges('warm'),
    decidedCold: ranges('cold'),
    effectiveSamples: Math.min(
      ...warm.flatMap(({ grpc, zeroCopy }) => [grpc.effectiveSamples, zeroCopy.effectiveSamples]),
    ),
  };
}

/** Where zero-copy becomes the cheaper one for good: between two sizes, the curves are taken as straight lines in logarithms. */
function crossing(grpc: readonly number[], zeroCopy: readonly number[]): number | null {
  const gains = grpc.map((us, index) => Math.log(us / (zeroCopy[index] ?? us)));
  const last = gains.findLastIndex((gain) => !(gain > 0));
  if (last === gains.length - 1) return null;
  if (last < 0) return SIZES[0] ?? null;
  const [before = 0, after = 0] = [gains[last], gains[last + 1]];
  const [low = 1, high = 1] = [SIZES[last], SIZES[last + 1]];
  return Math.round(low * (high / low) ** (-before / (after - before)));
}

/** The one for all other types first. */
export function thresholdsOf({ thresholds }: PoolSnapshot): ThresholdNow[] {
  const own = [...thresholds.byDataType].map(([dataType, { final }]) => ({ dataType, bytes: final }));
  return [{ dataType: undefined, bytes: thresholds.default.final }, ...own];
}
