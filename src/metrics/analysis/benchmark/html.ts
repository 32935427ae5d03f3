/** A report as one page that needs nothing from anywhere: tables for everybody, charts where scripts run. Pure. */
import { type ChartCode, page, text } from '../page.ts';
import { CHARTS } from './charts.ts';
import { seriesKey } from './report.ts';
import { laneColumns, seriesOf } from './text.ts';
import type { BenchmarkReport, CellResult, Crossover } from './types.ts';
import { crossoverText, laneName, ratio, seriesName, size, summaryLines } from './words.ts';

/** Series with a chart; the rest has its table. */
const MAX_CHARTS = 48;

/** @param charts undefined: tables only */
export function benchmarkPage(report: BenchmarkReport, charts: ChartCode | undefined): string {
  const series = [...seriesOf(report.cells).entries()];
  const sections = series.map(([key, cells], index) => section(report, key, cells, charts && index < MAX_CHARTS));
  const data = series.slice(0, MAX_CHARTS).map(([key, cells]) => chartData(report, key, cells));
  const startedAt = new Date(report.startedAtMs).toISOString();
  const content = `<h1>zero-copy against gRPC</h1>
<p>Latency of one payload to a worker and back, ${text(startedAt)}.</p>
<ul>${summaryLines(report)
    .map((line) => `<li>${text(line)}</li>`)
    .join('')}</ul>
${sections.join('\n')}
<p class="note">P50 with its interval by order statistics; outliers are counted in, not left out. Zero-copy / gRPC is the ratio of the medians with its bootstrap interval: below 1 zero-copy is faster.</p>`;
  return page({ title: `pitwall benchmark, ${startedAt}`, content, charts, data, draw: CHARTS });
}

function section(
  report: BenchmarkReport,
  key: string,
  cells: readonly CellResult[],
  hasChart: boolean | undefined,
): string {
  const [first] = cells;
  if (first === undefined) return '';
  const crossover = report.crossovers.find((each) => seriesKey(each) === key);
  const found = crossover ? `<p>${text(capital(crossoverText(crossover, report.plan.sizes)))}.</p>` : '';
  const chart = hasChart
    ? '<div class="chart" aria-hidden="true"></div><p class="reading" aria-hidden="true"></p>'
    : '';
  return `<section>
<h2>${text(seriesName(first))}</h2>
${found}${chart}
<div class="scroll"><table>
<thead><tr>${HEADER.map((title) => `<th scope="col">${title}</th>`).join('')}</tr></thead>
<tbody>${cells.flatMap((cell) => rows(cell)).join('')}</tbody>
</table></div>
</section>`;
}

const HEADER = ['size', 'lane', 'n', 'P50', 'interval', 'P90', 'P99', 'MB/s', 'outliers', 'failed', 'zero-copy / gRPC'];

function rows(cell: CellResult): string[] {
  const span = cell.lanes.length;
  return cell.lanes.map((lane, index) => {
    const columns = laneColumns(lane).map((column) => `<td>${text(column)}</td>`);
    const head = index === 0 ? `<th scope="row" rowspan="${span}">${text(size(cell.dataSize))}</th>` : '';
    const tail = index === 0 ? `<td rowspan="${span}">${text(ratio(cell))}${verdict(cell)}</td>` : '';
    return `<tr>${head}<th scope="row" class="${lane.lane}">${laneName(lane.lane)}</th>${columns.join('')}${tail}</tr>`;
  });
}

function verdict({ faster }: CellResult): string {
  return faster === undefined ? '' : `<br><strong class="${faster}">${laneName(faster)}</strong>`;
}

/** What a chart draws: P50 and its interval by size and lane, and where they cross. */
interface ChartData {
  readonly sizes: readonly number[];
  readonly lanes: readonly {
    readonly lane: string;
    readonly us: readonly (number | null)[];
    readonly low: readonly (number | null)[];
    readonly high: readonly (number | null)[];
  }[];
  readonly crossover: Pick<Crossover, 'bytes' | 'lowBytes' | 'highBytes'> | undefined;
}

function chartData(report: BenchmarkReport, key: string, cells: readonly CellResult[]): ChartData {
  const crossover = report.crossovers.find((each) => seriesKey(each) === key && each.bytes !== undefined);
  const lanes = report.plan.lanes.map((lane) => {
    const medians = cells.map((cell) => cell.lanes.find((each) => each.lane === lane)?.quantiles[0]);
    return {
      lane,
      us: medians.map((p50) => p50?.us ?? null),
      low: medians.map((p50) => p50?.interval?.low ?? p50?.us ?? null),
      high: medians.map((p50) => p50?.interval?.high ?? p50?.us ?? null),
    };
  });
  return { sizes: cells.map(({ dataSize }) => dataSize), lanes, crossover };
}

function capital(sentence: string): string {
  return sentence.slice(0, 1).toUpperCase() + sentence.slice(1);
}
