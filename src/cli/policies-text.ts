/** Policies and dry runs as people read them. */
import type { PolicyVersion } from '../actors/policy-history.ts';
import type { ConfigValue } from '../config/diff.ts';
import type { DryRunReport, LatencyChange } from '../metrics/analysis/dry-run/types.ts';
import { sizeBandLabel } from '../metrics/size-band.ts';
import { formatUs, NOTHING, significant } from './quantity.ts';
import { printable, table } from './text.ts';
import { formatTime } from './time-range.ts';

export function historyText(pool: string, versions: readonly PolicyVersion[]): string {
  const lines = versions.toReversed().flatMap(({ version, atMs, source, by, why, restores, changed }) => {
    const back = restores === undefined ? '' : `, back to version ${restores}`;
    const note = [by && `by ${printable(by)}`, why && printable(why)].filter(Boolean).join(': ');
    const head = `version ${version}  ${formatTime(atMs * 1000)}  ${source}${back}${note && `  ${note}`}`;
    return [
      head,
      ...changed.map(({ path, from, to }) => `  ${printable(path)}: ${valueText(from)} -> ${valueText(to)}`),
    ];
  });
  return [`${printable(pool)}: ${versions.length} versions of its policy, the newest first`, ...lines].join('\n');
}

const KINDS_SHOWN = 12;

export function dryRunText(report: DryRunReport): string {
  const { pool, version, replayed, records, changed, toZeroCopy, toGrpc, effect, caveats, changes } = report;
  const kinds = report.kinds.filter((kind) => kind.toZeroCopy + kind.toGrpc > 0).slice(0, KINDS_SHOWN);
  const rows = kinds.map((kind) => [
    printable(kind.dataType),
    sizeBandLabel(kind.sizeBand),
    String(kind.transfers),
    String(kind.toZeroCopy),
    String(kind.toGrpc),
    kind.perTransfer === undefined ? NOTHING : shareText(kind.perTransfer),
  ]);
  const columns = ['type', 'size', 'transfers', 'to zero-copy', 'to gRPC', 'latency'];
  return [
    `${printable(pool)}: ${replayed} of the latest ${records} recorded transfers decided again, against version ${version}`,
    ...changes.map(({ path, from, to }) => `  ${printable(path)}: ${valueText(from)} -> ${valueText(to)}`),
    '',
    `${changed} decisions would change (${percent(changed, replayed)}): ${toZeroCopy} to zero-copy, ${toGrpc} to gRPC`,
    ...(effect === undefined
      ? ['what that is worth is not known']
      : [
          `latency of each transfer ${shareText(effect.perTransfer)}, total time ${shareText(effect.totalTime)}`,
          `mean latency ${usText(effect.meanLatencyUs)} (${effect.basis.replace('_', ' ')}; intervals are 95 %)`,
        ]),
    ...(rows.length === 0
      ? []
      : [
          '',
          ...table(
            columns.map((title, index) => ({ title, align: index < 2 ? 'left' : 'right' })),
            rows,
          ),
        ]),
    ...(caveats.length === 0 ? [] : ['', 'what this cannot tell:', ...caveats.map((line) => `  - ${printable(line)}`)]),
  ].join('\n');
}

function valueText(value: ConfigValue): string {
  return value === undefined ? 'not set' : printable(JSON.stringify(value));
}

function percent(part: number, whole: number): string {
  return whole > 0 ? `${significant((100 * part) / whole)} %` : '0 %';
}

function shareText({ value, interval }: LatencyChange): string {
  const text = (share: number): string =>
    `${share > 0 ? '+' : share < 0 ? '-' : ''}${significant(Math.abs(share) * 100)} %`;
  return `${text(value)} (${text(interval[0])} to ${text(interval[1])})`;
}

function usText({ value, interval }: LatencyChange): string {
  const text = (us: number): string => `${us > 0 ? '+' : us < 0 ? '-' : ''}${formatUs(Math.abs(us))}`;
  return `${text(value)} (${text(interval[0])} to ${text(interval[1])})`;
}
