/** An experiment's report as text. */
import type { ExperimentReport, MetricComparison, VariantReport } from './types.ts';
import { differenceText, duration, metricName, percent, probability, range } from './words.ts';

export function experimentText(report: ExperimentReport): string {
  return [
    `experiment "${report.name}" in pool ${report.pool}: ${stateText(report)}`,
    report.verdict.text,
    ...promotionLines(report),
    `split: ${ratioText(report)}`,
    '',
    table([VARIANT_HEADER, ...report.variants.map(variantColumns)]),
    ...report.comparisons.flatMap(({ variant, metrics }) => [
      '',
      `"${variant}" against "${report.definition.variants[0]?.name ?? ''}"`,
      table([COMPARISON_HEADER, ...metrics.map(comparisonColumns)]),
    ]),
    ...(fixedHorizonMissing(report) ? ['', noFixedHorizon(report)] : []),
    '',
  ].join('\n');
}

export function stateText({ state, startedAtMs, endedAtMs, endedBecause, phase }: ExperimentReport): string {
  const since = `since ${new Date(startedAtMs).toISOString()}${phase > 1 ? `, split ${phase}` : ''}`;
  if (state === 'running') return `running ${since}`;
  const ended = endedAtMs === undefined ? '' : ` until ${new Date(endedAtMs).toISOString()}`;
  return `${state}, ${since}${ended} (${endedBecause ?? 'no reason given'})`;
}

export function promotionLines({ promotion }: ExperimentReport): string[] {
  if (promotion === undefined) return [];
  const { variant, version, previousVersion, rolledBackAtMs } = promotion;
  const back = rolledBackAtMs === undefined ? '' : `, rolled back ${new Date(rolledBackAtMs).toISOString()}`;
  return [`promoted: "${variant}" as version ${version} of the policy (before: ${previousVersion})${back}`];
}

export function ratioText({ sampleRatio }: ExperimentReport): string {
  const found = `probability of these counts ${probability(sampleRatio.pValue)}`;
  return sampleRatio.mismatch ? `NOT as it should be, ${found}` : `as it should be, ${found}`;
}

export const VARIANT_HEADER = [
  'variant',
  'what',
  'share',
  'transfers',
  'failed',
  'zero-copy',
  'geo. mean',
  'mean',
  'P50',
  'P95',
  'P99',
  'MB/s',
  'memory',
];

export function variantColumns(variant: VariantReport): string[] {
  const { name, share, difference, transfers, errorRate, zeroCopyShare, throughputMBps, meanMemory } = variant;
  return [
    name,
    differenceText(difference),
    `${(share * 100).toFixed(1)} %`,
    String(transfers),
    `${(errorRate * 100).toFixed(2)} %`,
    `${(zeroCopyShare * 100).toFixed(1)} %`,
    duration(variant.geometricMeanUs),
    duration(variant.meanUs),
    duration(variant.p50Us),
    duration(variant.p95Us),
    duration(variant.p99Us),
    throughputMBps === undefined ? '-' : throughputMBps.toPrecision(3),
    meanMemory === undefined ? '-' : `${(meanMemory / 1e6).toPrecision(3)} MB`,
  ];
}

export const COMPARISON_HEADER = [
  'metric',
  'change',
  'always-valid interval',
  'verdict',
  'fixed horizon',
  "Welch's p",
  'rank p',
];

export function comparisonColumns(comparison: MetricComparison): string[] {
  const { metric, change, low, high, verdict, fixedHorizon } = comparison;
  const fixed =
    fixedHorizon === undefined
      ? ['-', '-', '-']
      : [
          range(fixedHorizon.low, fixedHorizon.high),
          probability(fixedHorizon.pValue),
          fixedHorizon.rankPValue === undefined ? '-' : probability(fixedHorizon.rankPValue),
        ];
  return [metricName(metric), Number.isNaN(change) ? '-' : percent(change), range(low, high), verdict, ...fixed];
}

export function fixedHorizonMissing({ comparisons }: ExperimentReport): boolean {
  return comparisons.some(({ metrics }) => metrics.some(({ fixedHorizon }) => fixedHorizon === undefined));
}

export function noFixedHorizon({ definition }: ExperimentReport): string {
  return `No fixed-horizon test below ${definition.minimumSamples} transfers of each variant; the always-valid interval holds at any number.`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
