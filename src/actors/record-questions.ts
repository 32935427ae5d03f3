/** What is asked of the records of a range: where the time went, what stands out and why, what latency goes with. */
import { type Bottleneck, bottleneck } from '../metrics/analysis/bottleneck.ts';
import { explainOutliers, type OutlierReport, outlyingTransfers } from '../metrics/analysis/outlier-causes.ts';
import type { MachineEvidence } from '../metrics/analysis/outlier-exposure.ts';
import { type Profile, profile } from '../metrics/analysis/profile.ts';
import type { TransferRecord } from '../metrics/record.ts';
import type { MachineHistory } from './machine-history.ts';
import { CAUSES, type Timeline } from './timeline.ts';

/** Where each lane's time goes; undefined where its transfers report no parts. */
export interface LaneBottlenecks {
  readonly zeroCopy: Bottleneck | undefined;
  readonly grpc: Bottleneck | undefined;
}

export function laneBottlenecks(records: readonly TransferRecord[]): LaneBottlenecks {
  const of = (lane: TransferRecord['method']) => bottleneck(sampled(records.filter(({ method }) => method === lane)));
  return { zeroCopy: of('zero_copy'), grpc: of('grpc') };
}

/** Ranking costs some 20 us a record, on the host's thread: more than this many would be felt. */
const MAX_RANKED = 2_000;
/** Here each one counts: the latest, where there are more. */
const MAX_EXPLAINED = 5_000;

/** What latency goes with, over at most 2 000 of the records, evenly taken. */
export function profileOf(records: readonly TransferRecord[]): Profile {
  return profile(sampled(records));
}

function sampled(records: readonly TransferRecord[]): readonly TransferRecord[] {
  if (records.length <= MAX_RANKED) return records;
  const step = records.length / MAX_RANKED;
  return Array.from({ length: MAX_RANKED }, (_, index) => records[Math.floor(index * step)]).filter(isThere);
}

function isThere(record: TransferRecord | undefined): record is TransferRecord {
  return record !== undefined;
}

export interface AnomalySources {
  readonly timeline: Timeline;
  readonly machine: MachineHistory;
}

/** Of the latest 5 000: transfers that stand out among those of their kind, and what they have in common with the machine at that time. */
export function anomalies(records: readonly TransferRecord[], sources: AnomalySources): OutlierReport {
  const looked = [...records].sort((a, b) => b.timestampUs - a.timestampUs).slice(0, MAX_EXPLAINED);
  return explainOutliers(looked, outlyingTransfers(looked), evidenceFor(looked, sources));
}

/** What happened so shortly before the first transfer may have slowed it down. */
const BEFORE_US = 60e6;

function evidenceFor(records: readonly TransferRecord[], { timeline, machine }: AnomalySources): MachineEvidence {
  let [fromUs, toUs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { timestampUs, latencyUs } of records) {
    fromUs = Math.min(fromUs, timestampUs - latencyUs - BEFORE_US);
    toUs = Math.max(toUs, timestampUs);
  }
  const [fromMs, toMs] = [fromUs / 1000, toUs / 1000];
  const samples = machine.samples(fromMs, toMs + SAMPLE_MS);
  return {
    pauses: machine
      .pauses(fromMs, toMs)
      .map(({ atMs, durationMs }) => ({ fromUs: atMs * 1000, toUs: (atMs + durationMs) * 1000 })),
    loopDelays: samples.flatMap(({ atMs, eventLoopDelayUs: value }) =>
      value === undefined ? [] : [{ atUs: atMs * 1000, value }],
    ),
    loads: samples.flatMap(({ atMs, systemLoad: value }) =>
      value === undefined ? [] : [{ atUs: atMs * 1000, value }],
    ),
    occurrences: timeline.between(fromUs, toUs).filter(({ kind }) => CAUSES.has(kind)),
  };
}

/** A sample tells of the time before it. */
const SAMPLE_MS = 500;
