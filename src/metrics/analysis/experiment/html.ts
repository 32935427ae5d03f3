/** An experiment's report as one page that needs nothing from anywhere: tables for everybody, a chart where scripts run. Pure. */
import { type ChartCode, page, text } from '../page.ts';
import {
  COMPARISON_HEADER,
  comparisonColumns,
  fixedHorizonMissing,
  noFixedHorizon,
  promotionLines,
  ratioText,
  stateText,
  VARIANT_HEADER,
  variantColumns,
} from './text.ts';
import type { ExperimentReport, ProgressPoint } from './types.ts';
import { metricName } from './words.ts';

/** @param charts undefined: tables only */
export function experimentPage(report: ExperimentReport, charts: ChartCode | undefined): string {
  const { name, pool, definition, verdict, comparisons, progress } = report;
  const control = definition.variants[0]?.name ?? '';
  const series = charts === undefined ? [] : seriesOf(progress);
  const lines = [`pool ${pool}, ${stateText(report)}`, ...promotionLines(report), `split: ${ratioText(report)}`];
  const content = `<h1>${text(name)}</h1>
<p><strong>${text(verdict.text)}</strong></p>
<ul>${lines.map((line) => `<li>${text(line)}</li>`).join('')}</ul>
<section>
<h2>Variants</h2>
${table(VARIANT_HEADER, report.variants.map(variantColumns))}
</section>
${comparisons
  .map(
    ({ variant, metrics }) => `<section>
<h2>${text(`${variant} against ${control}`)}</h2>
${series.some((each) => each.variant === variant) ? `<p>Change of ${text(metricName(definition.metric))}, with the interval that holds at every look.</p><div class="chart" data-variant="${text(variant)}" aria-hidden="true"></div>` : ''}
${table(COMPARISON_HEADER, metrics.map(comparisonColumns))}
</section>`,
  )
  .join('\n')}
${fixedHorizonMissing(report) ? `<p class="note">${text(noFixedHorizon(report))}</p>` : ''}
<p class="note">Always-valid intervals hold however often they are looked at. Fixed-horizon tests hold at one look, made at a number of transfers that was set before.</p>`;
  const drawn = series.length > 0 ? charts : undefined;
  return page({ title: `pitwall experiment ${name}`, content, charts: drawn, data: series, draw: CHART });
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const body = rows.map(
    ([first = '', ...cells]) =>
      `<tr><th scope="row">${text(first)}</th>${cells.map((cell) => `<td>${text(cell)}</td>`).join('')}</tr>`,
  );
  return `<div class="scroll"><table>
<thead><tr>${header.map((title) => `<th scope="col">${text(title)}</th>`).join('')}</tr></thead>
<tbody>${body.join('')}</tbody>
</table></div>`;
}

interface Series {
  readonly variant: string;
  readonly columns: readonly (readonly number[])[];
}

function seriesOf(progress: readonly ProgressPoint[]): Series[] {
  return [...new Set(progress.map(({ variant }) => variant))].map((variant) => {
    const points = progress.filter((point) => point.variant === variant);
    const column = (value: (point: ProgressPoint) => number): number[] => points.map(value);
    return {
      variant,
      columns: [
        column(({ transfers }) => transfers),
        column(({ change }) => change * 100),
        column(({ low }) => low * 100),
        column(({ high }) => high * 100),
      ],
    };
  });
}

const CHART = `
(() => {
  const all = JSON.parse(document.getElementById('data').textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
  const draw = () => document.querySelectorAll('.chart').forEach((holder) => {
    const found = all.find(({ variant }) => variant === holder.dataset.variant);
    holder.replaceChildren();
    if (!found) return;
    const axis = { stroke: colour('faint'), grid: { stroke: colour('line'), width: 1 }, ticks: { stroke: colour('line'), width: 1 } };
    const line = (label, width) => ({ label, stroke: colour('zero_copy'), width, points: { show: false } });
    new uPlot({
      width: holder.clientWidth, height: 260,
      scales: { x: { time: false } },
      axes: [{ ...axis, label: 'transfers' }, { ...axis, label: 'change, %', size: 60 }],
      series: [{ label: 'transfers' }, line('change', 2), line('low', 0.5), line('high', 0.5)],
      bands: [{ series: [3, 2], fill: colour('zero_copy') + '2e' }],
    }, found.columns, holder);
  });
  draw();
  addEventListener('resize', draw);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
})();
`;
