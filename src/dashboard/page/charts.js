// @ts-check
/** Charts by uPlot, each with a key, a sentence for those who do not see it, and its data as a table. */

import { make } from './dom.js';

/**
 * @typedef {import('uplot')} Plot
 * @typedef {import('uplot').Options} Options
 * @typedef {import('uplot').Axis} Axis
 * @typedef {import('uplot').Series} Series
 * @typedef {import('uplot').AlignedData} AlignedData
 */

/** Undefined where the package is not installed (inside a bundle, say): then there are the tables. */
const uPlot = await import('./uplot.js').then(
  (module) => module.default,
  () => undefined,
);

/**
 * @typedef {{ label: string, colour: string, dash?: number[], scale?: string, kind?: 'line' | 'step' | 'bars' | 'points', format: (value: number) => string }} Line
 * @typedef {{ x: 'time' | 'size', y: 'linear' | 'log', formatX: (value: number) => string, formatY: (value: number) => string, formatRight?: (value: number) => string }} Kind
 * @typedef {readonly (number | null | undefined)[]} Values
 */

export class Chart {
  /** @type {HTMLElement} */ #plot;
  /** @type {HTMLElement} */ #keys;
  /** @type {HTMLElement} */ #table;
  /** @type {HTMLDetailsElement} */ #details;
  /** @type {Kind} */ #kind;
  /** @type {Plot | undefined} */ #drawn;
  #shape = '';
  /** @type {readonly Line[]} */ #lines = [];
  /** @type {readonly Values[]} */ #data = [];

  /**
   * @param {HTMLElement} figure
   * @param {Kind} kind
   */
  constructor(figure, kind) {
    this.#kind = kind;
    this.#plot = make('div', { className: 'plot' });
    this.#plot.setAttribute('role', 'img');
    this.#keys = make('ul', { className: 'keys' });
    this.#keys.setAttribute('aria-hidden', 'true');
    this.#table = make('div', { className: 'scroll' });
    this.#table.tabIndex = 0;
    this.#table.setAttribute('role', 'region');
    this.#table.setAttribute('aria-label', `${figure.textContent?.trim()}: data`);
    this.#details = /** @type {HTMLDetailsElement} */ (
      make('details', {}, [make('summary', { text: 'The data as a table' }), this.#table])
    );
    this.#details.addEventListener('toggle', () => this.#fillTable());
    figure.append(this.#plot, this.#keys, this.#details);
    new ResizeObserver(() => this.#resize()).observe(this.#plot);
  }

  /**
   * @param {readonly Line[]} lines
   * @param {readonly Values[]} data x, then one for each line
   * @param {string} said in a sentence
   */
  show(lines, data, said) {
    this.#lines = lines;
    this.#data = data;
    if (this.#plot.getAttribute('aria-label') !== said) this.#plot.setAttribute('aria-label', said);
    const shape = JSON.stringify(lines.map(({ label, colour, kind }) => [label, colour, kind]));
    if (shape !== this.#shape || this.#drawn === undefined) {
      this.#shape = shape;
      this.#draw();
    } else this.#drawn.setData(/** @type {AlignedData} */ (/** @type {unknown} */ (data)));
    this.#fillTable();
  }

  /** In the colours of now. */
  redraw() {
    if (this.#drawn) this.#draw();
  }

  #draw() {
    if (uPlot === undefined) return;
    this.#drawn?.destroy();
    const options = optionsOf(this.#kind, this.#lines, this.#plot.clientWidth || 300);
    this.#drawn = new uPlot(options, /** @type {AlignedData} */ (/** @type {unknown} */ (this.#data)), this.#plot);
    this.#keys.replaceChildren(...this.#lines.map(keyOf));
  }

  #resize() {
    const width = this.#plot.clientWidth;
    if (this.#drawn && width > 0 && width !== this.#drawn.width) this.#drawn.setSize({ width, height: HEIGHT });
  }

  /** Only where somebody has opened it. */
  #fillTable() {
    if (!this.#details.open) return;
    const head = make('tr', {}, [
      ...['', ...this.#lines.map(({ label }) => label)].map((text) => {
        const cell = make('th', { text: text === '' ? (this.#kind.x === 'time' ? 'time' : 'size') : text });
        cell.setAttribute('scope', 'col');
        return cell;
      }),
    ]);
    const [xs = [], ...columns] = this.#data;
    const rows = xs.flatMap((x, index) => {
      const values = columns.map((column) => column[index]);
      if (x === null || x === undefined || values.every((value) => value === null || value === undefined)) return [];
      const name = make('th', { text: this.#kind.formatX(x) });
      name.setAttribute('scope', 'row');
      const cells = values.map((value, at) => {
        const text = value === null || value === undefined ? '–' : (this.#lines[at]?.format(value) ?? '');
        return make('td', { text, className: 'number' });
      });
      return [make('tr', {}, [name, ...cells])];
    });
    this.#table.replaceChildren(make('table', {}, [make('thead', {}, [head]), make('tbody', {}, rows)]));
  }
}

const HEIGHT = 240;
const SVG = 'http://www.w3.org/2000/svg';

/** @param {string} name of a custom property: what it comes to in the theme of now, which a canvas cannot work out */
function colourOf(name) {
  const probe = make('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/**
 * @param {Kind} kind
 * @param {readonly Line[]} lines
 * @param {number} width
 * @returns {Options}
 */
function optionsOf(kind, lines, width) {
  const axis = {
    stroke: colourOf('--quiet'),
    grid: { stroke: colourOf('--line'), width: 0.5 },
    ticks: { stroke: colourOf('--line'), width: 1 },
    font: '13px system-ui, sans-serif',
  };
  /** @type {Axis[]} */
  const axes = [
    {
      ...axis,
      space: 70,
      values: (_plot, ticks) => ticks.map((tick) => (tick === null || tick === undefined ? '' : kind.formatX(tick))),
    },
    {
      ...axis,
      size: 70,
      values: (_plot, ticks) => ticks.map((tick) => (tick === null || tick === undefined ? '' : kind.formatY(tick))),
    },
  ];
  const { formatRight } = kind;
  if (formatRight)
    axes.push({
      ...axis,
      scale: 'right',
      side: 1,
      size: 50,
      grid: { show: false },
      values: (_plot, ticks) => ticks.map(formatRight),
    });
  return {
    width,
    height: HEIGHT,
    axes,
    legend: { show: false },
    cursor: { drag: { x: false, y: false } },
    scales: {
      x: kind.x === 'time' ? { time: true } : { time: false, distr: 3, log: 2 },
      y:
        kind.y === 'log'
          ? { distr: 3, log: 10 }
          : { range: (_plot, _low, high) => [0, Math.max(1, (high ?? 0) * 1.1)] },
      right: { range: (_plot, _low, high) => [0, Math.max(0.01, (high ?? 0) * 3)] },
    },
    series: [{}, ...lines.map(seriesOf)],
  };
}

/**
 * @param {Line} line
 * @returns {Series}
 */
function seriesOf({ label, colour, dash, scale, kind = 'line' }) {
  const stroke = colourOf(colour);
  const { bars, stepped } = uPlot?.paths ?? {};
  const base = { label, stroke, width: 2, spanGaps: true, scale: scale ?? 'y', points: { show: false } };
  if (kind === 'bars' && bars) return { ...base, fill: stroke, width: 0, paths: bars({ size: [0.8, 40] }) };
  if (kind === 'step' && stepped) return { ...base, paths: stepped({ align: 1 }) };
  if (kind === 'points') return { ...base, paths: () => null, points: { show: true, size: 12, fill: stroke } };
  return { ...base, ...(dash && { dash }) };
}

/** @param {Line} line */
function keyOf({ label, colour, dash, kind }) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 32 12');
  const mark = document.createElementNS(SVG, kind === 'points' ? 'circle' : 'line');
  const at =
    kind === 'points' ? { cx: '16', cy: '6', r: '5', fill: colourOf(colour) } : { x1: '0', y1: '6', x2: '32', y2: '6' };
  for (const [name, value] of Object.entries(at)) mark.setAttribute(name, value);
  if (kind !== 'points') {
    mark.setAttribute('stroke', colourOf(colour));
    mark.setAttribute('stroke-width', kind === 'bars' ? '12' : '4');
    if (dash) mark.setAttribute('stroke-dasharray', dash.join(' '));
  }
  svg.append(mark);
  return make('li', {}, [svg, document.createTextNode(` ${label}`)]);
}
