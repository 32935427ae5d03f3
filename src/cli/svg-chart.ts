/** A chart of lines as an SVG image: no script, no font of its own, readable on light and on dark pages. */

export interface SvgLine {
  readonly name: string;
  /** A CSS colour. */
  readonly colour: string;
  readonly values: readonly number[];
}

export interface SvgChartOptions {
  readonly title: string;
  /** Under the horizontal axis. */
  readonly across: string;
  readonly format: (value: number) => string;
}

const SIZE = { width: 860, height: 420 } as const;
const AREA = { left: 70, top: 44, width: 640, height: 320 } as const;
/** Points of a line; more are thinned. */
const POINTS = 640;
const TICKS = 6;

/** The upper bound leaves out what only the first twentieth reaches, where a handful of transfers decide the total. */
export function svgChart(lines: readonly SvgLine[], { title, across, format }: SvgChartOptions): string {
  const count = Math.max(1, ...lines.map(({ values }) => values.length));
  const settled = lines.flatMap(({ values }) => thinned(values).slice(Math.floor(thinned(values).length / 20)));
  const low = Math.min(1, ...settled);
  const high = Math.max(low + Number.EPSILON, ...settled);
  const yOf = (value: number): number =>
    AREA.top + AREA.height * (1 - Math.min(1, Math.max(0, (value - low) / (high - low))));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE.width} ${SIZE.height}" font-family="sans-serif" font-size="13">`,
    '<style>text{fill:#333}.axis{stroke:#999}@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>',
    text(AREA.left, 24, escaped(title), 'start'),
    ...Array.from({ length: TICKS }, (_, tick) => low + ((high - low) * tick) / (TICKS - 1)).flatMap((value) => [
      `<line class="axis" x1="${AREA.left}" x2="${AREA.left + AREA.width}" y1="${fixed(yOf(value))}" y2="${fixed(yOf(value))}" stroke-opacity="0.4"/>`,
      text(AREA.left - 8, yOf(value) + 4, escaped(format(value)), 'end'),
    ]),
    ...lines.flatMap(({ name, colour, values }, index) => [
      `<polyline fill="none" stroke="${escaped(colour)}" stroke-width="2" points="${points(values, count, yOf)}"/>`,
      `<rect x="${AREA.left + AREA.width + 16}" y="${AREA.top + 22 * index}" width="14" height="4" fill="${escaped(colour)}"/>`,
      text(AREA.left + AREA.width + 36, AREA.top + 22 * index + 7, escaped(name), 'start'),
    ]),
    text(AREA.left, AREA.top + AREA.height + 20, '0', 'start'),
    text(AREA.left + AREA.width, AREA.top + AREA.height + 20, `${count} ${escaped(across)}`, 'end'),
    '</svg>',
    '',
  ].join('\n');
}

function points(values: readonly number[], count: number, yOf: (value: number) => number): string {
  const step = Math.max(1, values.length / POINTS);
  const last = Math.max(1, count - 1);
  return thinned(values)
    .map((value, index) => `${fixed(AREA.left + (AREA.width * Math.floor(index * step)) / last)},${fixed(yOf(value))}`)
    .join(' ');
}

function thinned(values: readonly number[]): number[] {
  const step = Math.max(1, values.length / POINTS);
  return Array.from(
    { length: Math.min(POINTS, values.length) },
    (_, index) => values[Math.floor(index * step)] ?? Number.NaN,
  );
}

function text(x: number, y: number, content: string, anchor: 'start' | 'end'): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}">${content}</text>`;
}

function fixed(value: number): string {
  return value.toFixed(1);
}

function escaped(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
