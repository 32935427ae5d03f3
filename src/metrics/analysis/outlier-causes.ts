/** Transfers that stand out, and what went on while they did. Pure. */
import type { TransferRecord } from '../record.ts';
import { keyOf, kindOf } from './kind.ts';
import { CAUSES, type Cause, Exposure, type MachineEvidence, type Span } from './outlier-exposure.ts';
import { median, OUTLIER_Z, outliers } from './robust.ts';
import { type Association, associate } from './two-by-two.ts';
import { milliseconds, percent } from './words.ts';

export interface OutlyingTransfer {
  readonly record: TransferRecord;
  /** Robust z-score of its log latency among transfers of its kind. */
  readonly z: number;
  /** Median latency of its kind. */
  readonly usualUs: number;
}

export interface NamedCause {
  readonly cause: Cause;
  /** Plain words, with the figures. */
  readonly evidence: string;
  /**
   * `accounts_for`: what was measured within its own time makes up half or more of what it took too long. `associated`: outliers of this run were
   * exposed to it more often than chance explains.
   */
  readonly by: 'accounts_for' | 'associated';
}

export interface ExplainedOutlier extends OutlyingTransfer {
  /** The strongest first; empty where nothing is known to have caused it. */
  readonly causes: readonly NamedCause[];
}

/** How outliers and ordinary transfers were exposed to a cause. */
export interface CauseSummary extends Association {
  readonly cause: Cause;
  /** Whether the evidence names it: at least three outliers, p below 0.01 shared out over the causes asked about, risk ratio's interval above 1. */
  readonly named: boolean;
  readonly sentence: string;
}

export interface OutlierReport {
  readonly outliers: readonly ExplainedOutlier[];
  /** Ordinary transfers they were compared with. */
  readonly ordinary: number;
  /** Causes that some transfer was exposed to and some was not, the most certain first. */
  readonly causes: readonly CauseSummary[];
}

const SIGNIFICANCE = 0.01;
/** Fewer exposed outliers may be one and the same mishap. */
const LEAST_EXPOSED = 3;
/** Of what a transfer took too long. */
const ACCOUNTED = 0.5;

/** Slow transfers among those of their kind (lane, type, size band, compression, memory), successes only; kinds of fewer than 20 say nothing. */
export function outlyingTransfers(records: readonly TransferRecord[], threshold = OUTLIER_Z): OutlyingTransfer[] {
  return [...byKind(records).values()].flatMap((ofKind) => {
    const latencies = ofKind.map(({ latencyUs }) => latencyUs);
    const usualUs = median(latencies);
    return outliers(latencies, threshold).flatMap(({ index, z }) => {
      const record = ofKind[index];
      return record === undefined || z < 0 ? [] : [{ record, z, usualUs }];
    });
  });
}

/**
 * @param records the run: outliers and ordinary transfers
 * @param outlying those that stand out, as of `outlyingTransfers`
 */
export function explainOutliers(
  records: readonly TransferRecord[],
  outlying: readonly OutlyingTransfer[],
  evidence: MachineEvidence,
): OutlierReport {
  const standOut = new Set(outlying.map(({ record }) => record));
  const ordinary = records.filter((record) => record.outcome === 'success' && !standOut.has(record));
  const exposure = new Exposure(evidence, ordinary);
  const usual = new Map(
    [...byKind(records)].map(([key, ofKind]) => [key, median(ofKind.map((each) => each.latencyUs))]),
  );
  const usualOf = (record: TransferRecord) => usual.get(keyOf(kindOf(record))) ?? record.latencyUs;
  const summaries = summarize(outlying, ordinary, exposure, usualOf);
  const named = new Map(summaries.filter((summary) => summary.named).map((summary) => [summary.cause, summary]));
  return {
    outliers: outlying.map((each) => ({ ...each, causes: causesOf(each, exposure, named) })),
    ordinary: ordinary.length,
    causes: summaries,
  };
}

function byKind(records: readonly TransferRecord[]): Map<string, TransferRecord[]> {
  const kinds = new Map<string, TransferRecord[]>();
  for (const record of records) {
    if (record.outcome !== 'success') continue;
    const key = keyOf(kindOf(record));
    const known = kinds.get(key);
    if (known === undefined) kinds.set(key, [record]);
    else known.push(record);
  }
  return kinds;
}

function spanOf({ timestampUs, latencyUs }: TransferRecord, usualUs: number): Span {
  return { startUs: timestampUs - latencyUs, endUs: timestampUs, usualUs: Math.min(usualUs, latencyUs) };
}

function summarize(
  outlying: readonly OutlyingTransfer[],
  ordinary: readonly TransferRecord[],
  exposure: Exposure,
  usualOf: (record: TransferRecord) => number,
): CauseSummary[] {
  const tables = CAUSES.map((cause) => {
    const exposed = (record: TransferRecord, usualUs: number) => exposure.to(cause, record, spanOf(record, usualUs));
    const casesWith = outlying.filter(({ record, usualUs }) => exposed(record, usualUs)).length;
    const othersWith = ordinary.filter((record) => exposed(record, usualOf(record))).length;
    const table = {
      casesWith,
      casesWithout: outlying.length - casesWith,
      othersWith,
      othersWithout: ordinary.length - othersWith,
    };
    return { cause, ...associate(table) };
  }).filter(
    ({ casesWith, casesWithout, othersWith, othersWithout }) =>
      outlying.length > 0 && casesWith + othersWith > 0 && casesWithout + othersWithout > 0,
  );
  return tables
    .map((table) => {
      const significant = table.pValue < SIGNIFICANCE / tables.length && table.low > 1;
      return { ...table, named: significant && table.casesWith >= LEAST_EXPOSED, sentence: sentenceOf(table) };
    })
    .sort((a, b) => a.pValue - b.pValue);
}

function causesOf(
  outlier: OutlyingTransfer,
  exposure: Exposure,
  named: ReadonlyMap<Cause, CauseSummary>,
): NamedCause[] {
  const direct = measuredCauses(outlier, exposure);
  const { record, usualUs } = outlier;
  const associated = [...named.values()]
    .filter(({ cause }) => !direct.some((each) => each.cause === cause))
    .filter(({ cause }) => exposure.to(cause, record, spanOf(record, usualUs)))
    .map(({ cause, sentence }) => {
      const seen = seenOf(cause, outlier, exposure);
      return { cause, evidence: `${seen}; ${sentence}`, by: 'associated' as const };
    });
  return [...direct, ...associated];
}

/** What can be measured within the transfer's own time: pauses and delays that are as long as what it took too long. */
function measuredCauses(outlier: OutlyingTransfer, exposure: Exposure): NamedCause[] {
  const { record, usualUs } = outlier;
  const { startUs, endUs } = spanOf(record, usualUs);
  const excessUs = record.latencyUs - usualUs;
  if (excessUs <= 0) return [];
  const measured = [
    { cause: 'gc' as const, us: exposure.pausedUs(startUs, endUs) },
    { cause: 'event_loop_delay' as const, us: Math.min(exposure.delayUs(startUs, endUs), excessUs) },
  ];
  // A pause shows as a delay of the event loop too: name what it was.
  const [first] = measured.filter(({ us }) => us >= ACCOUNTED * excessUs);
  if (first === undefined) return [];
  const share = `${percent(Math.min(1, first.us / excessUs))} of the ${milliseconds(excessUs)} that it took too long`;
  return [{ cause: first.cause, evidence: `${seenOf(first.cause, outlier, exposure)}: ${share}`, by: 'accounts_for' }];
}

function seenOf(cause: Cause, { record, usualUs }: OutlyingTransfer, exposure: Exposure): string {
  const { startUs, endUs } = spanOf(record, usualUs);
  switch (cause) {
    case 'gc':
      return `garbage collection for ${milliseconds(exposure.pausedUs(startUs, endUs))} of its time`;
    case 'event_loop_delay':
      return `the event loop was up to ${milliseconds(exposure.delayUs(startUs, endUs))} late`;
    case 'load':
      return `load was ${percent(exposure.loadOf(record) ?? 0)}`;
    case 'queueing':
      return `${record.inFlight} transfers were in flight`;
    case 'cold_memory':
      return 'it went into cold memory';
    case 'fallback':
      return 'it was the second attempt';
    case 'occurrence': {
      const { kind, detail } = exposure.occurrence(Number.NEGATIVE_INFINITY, endUs) ?? { kind: 'nothing', detail: '' };
      return `shortly after ${kind}: ${detail}`;
    }
    default:
      return cause satisfies never;
  }
}

const WORDS: Readonly<Record<Cause, string>> = {
  gc: 'met a garbage collection',
  event_loop_delay: 'met an unusual event-loop delay',
  load: 'ran under unusual load',
  queueing: 'ran beside unusually many transfers',
  cold_memory: 'went into cold memory',
  fallback: 'were second attempts',
  occurrence: 'came shortly after something happened',
};

function sentenceOf({
  cause,
  casesWith,
  casesWithout,
  othersWith,
  othersWithout,
  riskRatio,
  low,
  high,
}: Association & { readonly cause: Cause }): string {
  const cases = casesWith + casesWithout;
  const others = othersWith + othersWithout;
  const ratio = `${riskRatio.toFixed(1)} times as often (${low.toFixed(1)} to ${high.toFixed(1)})`;
  return `${casesWith} of ${cases} outliers ${WORDS[cause]}, ${othersWith} of ${others} ordinary transfers: ${ratio}`;
}
