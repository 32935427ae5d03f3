// @ts-check
/** What a pool has learned: both lanes' cost by size, in a chart and in words; thresholds and how they came to be. */
import { Chart } from './charts.js';
import { byId, make, replace, setText, showOptions, showRows, wrapped } from './dom.js';
import { clock, count, moment, percent, size, time } from './format.js';

/**
 * @typedef {import('../frames.ts').PoolKnowledge} PoolKnowledge
 * @typedef {import('../frames.ts').CostCurve} CostCurve
 * @typedef {import('../frames.ts').SizeShare} SizeShare
 * @typedef {import('../frames.ts').ThresholdStep} ThresholdStep
 */

const SOURCES = {
  model: 'by the trained model',
  cost_model: 'by what was measured',
  prior: 'nothing was learned yet: a guess',
};
const STEP_COLOURS = ['--grpc', '--zero-copy', '--cold', '--good', '--bad'];

export class KnowledgeView {
  #costs = new Chart(byId('cost-chart'), {
    x: 'size',
    y: 'log',
    formatX: size,
    formatY: time,
    formatRight: (share) => percent(share),
  });
  #thresholds = new Chart(byId('threshold-chart'), {
    x: 'time',
    y: 'log',
    formatX: (s) => clock(s * 1000),
    formatY: size,
  });
  /** @type {PoolKnowledge | undefined} */ #known;
  /** @type {readonly SizeShare[]} */ #traffic = [];

  constructor() {
    byId('kind').addEventListener('change', () => this.#showCosts());
  }

  redraw() {
    this.#costs.redraw();
    this.#thresholds.redraw();
  }

  /** @param {PoolKnowledge} known */
  show(known) {
    if (known.pool !== this.#known?.pool) this.#traffic = [];
    this.#known = known;
    const kinds = known.curves.map(({ dataType, format, share }, index) => ({
      value: String(index),
      text: `${dataType}, ${format} (${percent(share)})`,
    }));
    showOptions('kind', kinds, undefined);
    [...byId('kind').children].forEach((option, index) => {
      if (option.textContent !== kinds[index]?.text) option.textContent = kinds[index]?.text ?? '';
    });
    this.#showCosts();
    replace(
      byId('lessons'),
      lessonsOf(known.lessons).map((text) => make('li', { text })),
    );
    this.#showThresholds(known);
  }

  /** @param {readonly SizeShare[]} traffic of the last minute */
  showTraffic(traffic) {
    this.#traffic = traffic;
  }

  #showCosts() {
    const chosen = Number(/** @type {HTMLSelectElement} */ (byId('kind')).value) || 0;
    const known = this.#known;
    const curve = known?.curves[chosen] ?? known?.curves[0];
    if (known === undefined || curve === undefined) return;
    const samples =
      known.source === 'prior' ? '' : `, ${count(curve.effectiveSamples)} records for the lane known less`;
    setText('cost-source', `${SOURCES[known.source]}${samples}`);
    const crossing = crossingText(curve);
    setText('crossing', crossing);
    setText(
      'decided',
      `What decisions do, into warm memory: ${curve.decidedWarm}. Into cold memory: ${curve.decidedCold}.`,
    );
    const { xs, columns } = costData(curve, this.#traffic);
    this.#costs.show(COST_LINES, [xs, ...columns], crossing);
  }

  /** @param {PoolKnowledge} known */
  #showThresholds({ thresholds, quickPathMinimum, history }) {
    const now = thresholds.map(({ dataType, bytes }) => `${dataType ?? 'all other types'} from ${size(bytes)}`);
    setText(
      'thresholds-now',
      `Zero-copy, where nothing better is known: ${now.join(', ')}. Below ${size(quickPathMinimum)} always gRPC.`,
    );
    const steps = [...history].reverse().map((step, index) => ({
      key: `${step.atMs} ${step.dataType} ${step.kind} ${history.length - index}`,
      head: moment(step.atMs),
      cells: [nameOf(step), size(step.from), size(step.to), wrapped(step.reason)],
    }));
    showRows('steps', steps);
    const { lines, data } = thresholdData(history, thresholds, quickPathMinimum);
    this.#thresholds.show(
      lines,
      data,
      history.length === 0 ? 'No threshold has moved.' : `${history.length} steps; ${now.join(', ')} now.`,
    );
  }
}

/** @param {readonly string[] | undefined} lessons */
function lessonsOf(lessons) {
  if (lessons === undefined)
    return ['pitwall dashboard and pitwall explain work them out beside the host, which has better things to do'];
  return lessons.length > 0 ? lessons : ['not enough was learned yet'];
}

const COST_LINES = [
  {
    label: 'traffic (share of transfers)',
    colour: '--traffic',
    kind: /** @type {const} */ ('bars'),
    scale: 'right',
    format: percent,
  },
  { label: 'gRPC', colour: '--grpc', format: time },
  { label: 'zero-copy, warm memory', colour: '--zero-copy', format: time },
  { label: 'zero-copy, cold memory', colour: '--cold', dash: [6, 4], format: time },
  { label: 'where they cross', colour: '--bad', kind: /** @type {const} */ ('points'), format: time },
];

/** @param {CostCurve} curve */
function crossingText({ crossoverWarm, crossoverCold }) {
  const at = (/** @type {number | null} */ bytes) => (bytes === null ? 'never up to 1 GiB' : `from ${size(bytes)}`);
  return `Zero-copy is the faster lane ${at(crossoverWarm)} into warm memory, ${at(crossoverCold)} into cold memory.`;
}

/**
 * @param {CostCurve} curve
 * @param {readonly SizeShare[]} traffic
 */
function costData({ sizes, grpcUs, zeroCopyWarmUs, zeroCopyColdUs, crossoverWarm, crossoverCold }, traffic) {
  const total = traffic.reduce((sum, { grpc, zeroCopy }) => sum + grpc + zeroCopy, 0);
  const [first = 1, last = 1] = [sizes[0], sizes.at(-1)];
  /** @type {Map<number, (number | null | undefined)[]>} */
  const rows = new Map(
    sizes.map((bytes, index) => [
      bytes,
      [undefined, grpcUs[index], zeroCopyWarmUs[index], zeroCopyColdUs[index], null],
    ]),
  );
  const at = (/** @type {number} */ bytes) => {
    const row = rows.get(bytes) ?? [undefined, null, null, null, null];
    rows.set(bytes, row);
    return row;
  };
  for (const { from, grpc, zeroCopy } of traffic) {
    // A bar stands over the middle of its sizes.
    const middle = Math.round(from * Math.SQRT2);
    if (total > 0 && middle >= first && middle <= last) at(middle)[0] = (grpc + zeroCopy) / total;
  }
  for (const crossing of [crossoverWarm, crossoverCold]) {
    if (crossing !== null && crossing > first) at(crossing)[4] = costAt(sizes, grpcUs, crossing);
  }
  const sorted = [...rows].sort(([a], [b]) => a - b);
  return {
    xs: sorted.map(([bytes]) => bytes),
    columns: [0, 1, 2, 3, 4].map((column) => sorted.map(([, row]) => row[column])),
  };
}

/**
 * @param {readonly number[]} sizes
 * @param {readonly number[]} costs
 * @param {number} bytes
 */
function costAt(sizes, costs, bytes) {
  const above = Math.max(
    1,
    sizes.findIndex((each) => each >= bytes),
  );
  const [low = 1, high = 1, from = 1, to = 1] = [sizes[above - 1], sizes[above], costs[above - 1], costs[above]];
  return from * (to / from) ** (Math.log(bytes / low) / Math.log(high / low));
}

/** @param {Pick<ThresholdStep, 'kind' | 'dataType'>} step */
function nameOf({ kind, dataType }) {
  return kind === 'quick_path_minimum' ? 'always gRPC below' : (dataType ?? 'all other types');
}

/**
 * @param {readonly ThresholdStep[]} history
 * @param {PoolKnowledge['thresholds']} thresholds
 * @param {number | undefined} quickPathMinimum
 */
function thresholdData(history, thresholds, quickPathMinimum) {
  const names = [...new Set(history.map(nameOf))].slice(0, STEP_COLOURS.length);
  const lines = names.map((label, index) => ({
    label,
    colour: STEP_COLOURS[index] ?? '--grpc',
    kind: /** @type {const} */ ('step'),
    format: size,
  }));
  const nowS = Date.now() / 1000;
  const times = [...new Set(history.map(({ atMs }) => atMs / 1000)), nowS];
  const columns = names.map((name) => {
    const own = history.filter((step) => nameOf(step) === name);
    return times.map((at) => own.findLast(({ atMs }) => atMs / 1000 <= at)?.to ?? own[0]?.from ?? null);
  });
  if (names.length > 0) return { lines, data: [times, ...columns] };
  // Nothing has moved: what there is, as a line.
  const flat = thresholds
    .slice(0, STEP_COLOURS.length)
    .map(({ dataType, bytes }) => ({ label: dataType ?? 'all other types', bytes }));
  const all =
    quickPathMinimum === undefined ? flat : [...flat, { label: 'always gRPC below', bytes: quickPathMinimum }];
  return {
    lines: all.map(({ label }, index) => ({ label, colour: STEP_COLOURS[index] ?? '--grpc', format: size })),
    data: [[nowS - 60, nowS], ...all.map(({ bytes }) => [bytes, bytes])],
  };
}
