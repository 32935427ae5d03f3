// @ts-check
/** What concerns the whole host: alerts, recommendations, experiments, the supervision tree. */
import { byId, make, makeButton, replace, setText, showFacts, showRows, wrapped } from './dom.js';
import { count, moment, percent } from './format.js';

/**
 * @typedef {import('../../actors/adviser-alerts.ts').Alert} Alert
 * @typedef {import('../../metrics/analysis/advice/types.ts').Advice} Advice
 * @typedef {import('../../metrics/analysis/advice/realized.ts').TrackedAdvice} Tracked
 * @typedef {import('../../metrics/analysis/advice/types.ts').Gain} Gain
 * @typedef {import('../../metrics/analysis/experiment/types.ts').ExperimentReport} Experiment
 * @typedef {import('../../otp/inspect.ts').ProcessTree} Tree
 * @typedef {{ title: string, readOnly: boolean, tree?: Tree, restarts?: number, refusals?: Record<string, number>, alerts: Alert[], advice: Advice[],
 *   tracked: Tracked[], experiments: Experiment[], missing: string[] }} Host
 */

/** @param {Host} host */
export function showHost(host) {
  setText('host-title', host.title);
  setText('read-only', host.readOnly ? 'read-only' : '');
  setText('alert-count', host.alerts.length > 0 ? `(${host.alerts.length})` : '');
  setText('advice-count', host.advice.length > 0 ? `(${host.advice.length})` : '');
  replace(byId('alert-list'), host.alerts.length > 0 ? host.alerts.map(alertOf) : [make('p', { text: 'None.' })]);
  showAdvice(host);
  replace(
    byId('experiment-list'),
    host.experiments.length > 0 ? host.experiments.map(experimentOf) : [make('p', { text: 'None was started.' })],
  );
  showTree(host);
}

/** @param {Alert} alert */
function alertOf({ kind, severity, pool, message, likelyCause, lookAt, firstAtMs, count: times, comparison }) {
  const figures = Object.entries(comparison ?? {}).map(
    ([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`,
  );
  return make('article', { className: severity }, [
    make('h3', { text: `${severity}: ${kind}${pool === undefined ? '' : ` (${pool})`}` }),
    make('p', { text: message }),
    ...(likelyCause === undefined ? [] : [make('p', { text: `Probably: ${likelyCause}` })]),
    ...(lookAt === undefined ? [] : [make('p', { text: `Look at: ${lookAt}` })]),
    ...(figures.length === 0 ? [] : [make('p', { className: 'quiet', text: figures.join(', ') })]),
    make('p', { className: 'quiet', text: `since ${moment(firstAtMs)}, ${count(times)} times` }),
  ]);
}

/** @param {Host} host */
function showAdvice({ advice, tracked, readOnly }) {
  const shown = advice.length > 0 ? advice.map((each) => adviceOf(each, readOnly)) : [make('p', { text: 'None.' })];
  replace(byId('advice-list'), shown);
  showRows(
    'tracked',
    tracked.map(({ advice: { id, pool, title }, appliedAtMs, predicted, realized, state }) => ({
      key: `${id} ${appliedAtMs}`,
      head: moment(appliedAtMs),
      cells: [pool, wrapped(title), gain(predicted), realized ? gain(realized) : 'not measured yet', state],
    })),
  );
}

/**
 * @param {Advice} advice
 * @param {boolean} readOnly
 */
function adviceOf(advice, readOnly) {
  const { id, pool, title, why, expectedGain, confidence, effort, snippet, change } = advice;
  const apply = makeButton('Apply', () => void confirmed(advice));
  apply.setAttribute('aria-label', `Apply: ${title}`);
  const article = make('article', { className: 'advice' }, [
    make('h3', { text: `${title} (${pool})` }),
    make('p', { text: `Expected to save ${gain(expectedGain)}; confidence ${percent(confidence)}; effort: ${effort}` }),
    make('p', { text: why }),
    make('pre', { text: snippet }),
    ...(readOnly || change === undefined ? [] : [apply]),
  ]);
  article.dataset.id = id;
  return article;
}

/** @param {Gain} given */
function gain({ value, interval: [low, high], unit }) {
  const of = unit === 'share_of_total_latency' ? 'of the total time' : 'of the time of a transfer';
  return `${percent(value)} (${percent(low)} to ${percent(high)}) ${of}`;
}

/** @param {Advice} advice */
async function confirmed({ id, title, snippet }) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('confirm'));
  setText('confirm-what', title);
  setText('confirm-snippet', snippet);
  dialog.returnValue = 'cancel';
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener('close', resolve, { once: true }));
  if (dialog.returnValue === 'apply') await apply(id, title);
}

/**
 * @param {string} id
 * @param {string} title
 */
async function apply(id, title) {
  setText('advice-told', `Applying: ${title}`);
  try {
    const response = await fetch('advice/apply', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-pitwall': '1' },
      body: JSON.stringify({ id }),
    });
    const answer = await response.json();
    setText('advice-told', response.ok ? `Applied: ${title}` : `Not applied: ${answer.message}`);
  } catch {
    setText('advice-told', 'Not applied: the dashboard does not answer');
  }
}

/** @param {Experiment} experiment */
function experimentOf({ name, pool, state, startedAtMs, verdict, variants, comparisons, sampleRatio }) {
  const head = ['variant', 'share', 'transfers', 'failed', 'zero-copy', 'change of the metric', 'verdict'];
  const rows = variants.map((variant) => {
    const primary = comparisons.find((each) => each.variant === variant.name)?.metrics[0];
    const change =
      primary === undefined ? '–' : `${percent(primary.change)} (${percent(primary.low)} to ${percent(primary.high)})`;
    const { share, transfers, failed, zeroCopyShare } = variant;
    const cells = [
      percent(share),
      count(transfers),
      count(failed),
      percent(zeroCopyShare),
      change,
      primary?.verdict ?? 'control',
    ];
    return make('tr', {}, [cell('th', variant.name, 'row'), ...cells.map((text) => make('td', { text }))]);
  });
  const table = make('table', {}, [
    make('thead', {}, [
      make(
        'tr',
        {},
        head.map((text) => cell('th', text, 'col')),
      ),
    ]),
    make('tbody', {}, rows),
  ]);
  const scroll = make('div', { className: 'scroll' }, [table]);
  scroll.tabIndex = 0;
  scroll.setAttribute('role', 'region');
  scroll.setAttribute('aria-label', `Variants of ${name}`);
  return make('article', {}, [
    make('h3', { text: `${name} (${pool}): ${state}, since ${moment(startedAtMs)}` }),
    make('p', { text: verdict.text }),
    ...(sampleRatio.mismatch ? [make('p', { text: 'The variants did not get the traffic that the split says.' })] : []),
    scroll,
  ]);
}

/**
 * @param {string} tag
 * @param {string} text
 * @param {'row' | 'col'} scope
 */
function cell(tag, text, scope) {
  const made = make(tag, { text });
  made.setAttribute('scope', scope);
  return made;
}

/** @param {Host} host */
function showTree({ tree, restarts, refusals, missing }) {
  setText('restarts', restarts === undefined ? '' : `Restarts since the runtime started: ${count(restarts)}`);
  replace(byId('tree-list'), tree === undefined ? [] : [make('ul', {}, [branch(tree)])]);
  const lost = Object.entries(refusals ?? {}).filter(([, times]) => times > 0);
  showFacts('refusals', lost.length > 0 ? lost.map(([name, times]) => [name, count(times)]) : [['nothing', '–']]);
  replace(
    byId('missing'),
    missing.map((text) => make('li', { text: `Not shown: ${text}` })),
  );
}

/**
 * @param {Tree} tree
 * @returns {HTMLElement}
 */
function branch({ id, type, status, restarts, mailboxLength, children }) {
  const about = [type, status, `mailbox ${count(mailboxLength)}`, `restarts ${count(restarts)}`].join(', ');
  const inner = children.length === 0 ? [] : [make('ul', {}, children.map(branch))];
  return make('li', {}, [
    make('span', { className: 'name', text: id }),
    make('span', { className: 'quiet', text: ` ${about}` }),
    ...inner,
  ]);
}
