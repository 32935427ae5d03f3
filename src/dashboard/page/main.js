// @ts-check
/** The page: takes the stream of figures and hands them to what shows them. */
import { byId, setText } from './dom.js';
import { startExplain } from './explain.js';
import { count, percent } from './format.js';
import { showHost } from './host.js';
import { KnowledgeView } from './knowledge.js';
import { LiveView } from './live.js';
import { startTheme } from './theme.js';

/** Somebody who listens is told how things are at most so often; of a new alert at the next occasion. */
const SPOKEN_EVERY_MS = 15_000;
const LOOK_AGAIN_MS = 5_000;

const live = new LiveView();
const knowledge = new KnowledgeView();
startTheme(() => {
  live.redraw();
  knowledge.redraw();
});
startExplain();
// What scrolls sideways must be reached by keyboard, in browsers that do not see to it themselves.
for (const element of document.querySelectorAll('.scroll')) if (element instanceof HTMLElement) element.tabIndex = 0;

/** @type {EventSource | undefined} */
let stream;
/** @type {string | undefined} */
let pool;
let paused = false;
let alerts = 0;
let spokenAtMs = 0;

const select = /** @type {HTMLSelectElement} */ (byId('pool'));
select.addEventListener('change', () => {
  pool = select.value;
  connect();
});
byId('controls').addEventListener('submit', (event) => event.preventDefault());
byId('pause').addEventListener('click', () => {
  paused = !paused;
  byId('pause').setAttribute('aria-pressed', String(paused));
  setText('pause', paused ? 'Go on' : 'Pause');
  if (paused) stream?.close();
  else connect();
});
connect();

function connect() {
  stream?.close();
  stream = new EventSource(pool === undefined ? 'events' : `events?pool=${encodeURIComponent(pool)}`);
  stream.addEventListener('live', ({ data }) => {
    const frame = JSON.parse(data);
    pool ??= frame.pools[0]?.pool;
    live.show(frame, pool);
    if (frame.live) knowledge.showTraffic(frame.live.traffic);
    speak(frame.pools.find((/** @type {{ pool: string }} */ each) => each.pool === pool));
  });
  stream.addEventListener('knowledge', ({ data }) => knowledge.show(JSON.parse(data)));
  stream.addEventListener('host', ({ data }) => {
    const host = JSON.parse(data);
    alerts = host.alerts.length;
    showHost(host);
  });
  stream.addEventListener('trouble', ({ data }) => trouble(JSON.parse(data).message));
  stream.addEventListener('error', () => {
    trouble('the dashboard does not answer');
    // A browser comes back by itself after a broken connection, not after a refusal.
    const refused = stream;
    if (refused?.readyState === EventSource.CLOSED) {
      setTimeout(() => {
        if (stream === refused && !paused) connect();
      }, LOOK_AGAIN_MS);
    }
  });
}

/** @param {string} message */
function trouble(message) {
  setText('status', 'not connected');
  byId('status').className = 'badge bad';
  setText('reasons', message);
}

/** @param {import('../frames.ts').PoolSummary | undefined} summary */
function speak(summary) {
  const nowMs = performance.now();
  if (summary === undefined || (spokenAtMs > 0 && nowMs - spokenAtMs < SPOKEN_EVERY_MS)) return;
  spokenAtMs = nowMs;
  setText(
    'spoken',
    `${summary.pool}: ${count(summary.ratePerS)} decisions a second, ${percent(summary.zeroCopyShare)} by zero-copy, ${alerts} alerts`,
  );
}
