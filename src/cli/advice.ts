/** `pitwall alerts` and `pitwall advice`: what a host has found, as it stored it last. */
import { AlertTable } from '../actors/adviser-alerts.ts';
import { ADVISER_STATE } from '../actors/names.ts';
import { AdviceBook } from '../metrics/analysis/advice/advice-book.ts';
import type { TrackedAdvice } from '../metrics/analysis/advice/realized.ts';
import type { Advice, Gain } from '../metrics/analysis/advice/types.ts';
import { percent, spaced } from '../metrics/analysis/words.ts';
import type { MetricsStore } from '../metrics/store-types.ts';
import { type Command, defineCommand, EXIT } from './command.ts';
import { DATA_DIR, openDataFolder } from './data-folder.ts';

const JSON_OPTION = { type: 'boolean', default: false, meaning: 'one JSON document' } as const;

export const alertsCommand: Command = defineCommand({
  options: { 'data-dir': DATA_DIR, json: JSON_OPTION },
  notes: ['As the host stored them last, at most five seconds ago. Exit code 1 where there are any.'],
  examples: [['pitwall alerts', 'what is wrong, what probably caused it, where to look']],
  async run({ 'data-dir': dataDir, json }) {
    return withStore(dataDir, (store) => {
      const stored = store.get(ADVISER_STATE.kind, ADVISER_STATE.alerts);
      const table = new AlertTable();
      // Here nothing is over with a process: the host may be running.
      const over = table.restore(stored, Date.now());
      const alerts = [...table.active(), ...over].sort((a, b) => a.firstAtMs - b.firstAtMs);
      if (json) console.log(JSON.stringify(alerts));
      else if (alerts.length === 0) console.log('no alerts');
      for (const alert of json ? [] : alerts) {
        const since = new Date(alert.firstAtMs).toISOString();
        console.log(
          `${alert.severity}  ${alert.kind}  since ${since}, ${spaced(alert.count)} times\n  ${alert.message}`,
        );
        if (alert.likelyCause !== undefined) console.log(`  probably: ${alert.likelyCause}`);
        if (alert.lookAt !== undefined) console.log(`  look at: ${alert.lookAt}`);
      }
      return alerts.length === 0 ? EXIT.ok : EXIT.no;
    });
  },
});

export const adviceCommand: Command = defineCommand({
  options: {
    'data-dir': DATA_DIR,
    pool: { type: 'string', value: 'NAME', meaning: 'of this pool alone' },
    json: JSON_OPTION,
  },
  notes: ['As the host stored it last, at most a minute ago. The host applies it: runtime.advice.apply(id).'],
  examples: [['pitwall advice', 'what could be done better, what it is expected to gain, and what was gained so far']],
  async run({ 'data-dir': dataDir, pool, json }) {
    return withStore(dataDir, (store) => {
      const book = new AdviceBook();
      book.restore(store.get(ADVISER_STATE.kind, ADVISER_STATE.advice));
      const [advice, tracked] = [book.list(pool), book.tracked(pool)];
      if (json) console.log(JSON.stringify({ advice, tracked }));
      else
        console.log(
          [...(advice.length === 0 ? ['no advice'] : advice.map(adviceText)), ...tracked.map(trackedText)].join('\n'),
        );
      return EXIT.ok;
    });
  },
});

async function withStore(dataDir: string, run: (store: MetricsStore) => number): Promise<number> {
  const store = await openDataFolder(dataDir, 'existing');
  try {
    return run(store);
  } finally {
    await store.close();
  }
}

function adviceText({ id, pool, title, why, expectedGain, confidence, effort, snippet }: Advice): string {
  const gain = `gains ${gainText(expectedGain)}, confidence ${percent(confidence)}, effort: ${effort}`;
  return [
    `${id}  pool ${pool}: ${title}`,
    `  ${gain}`,
    `  ${why}`,
    ...snippet.split('\n').map((line) => `    ${line}`),
  ].join('\n');
}

function trackedText({ advice, appliedAtMs, by, predicted, realized, state }: TrackedAdvice): string {
  const when = `applied ${new Date(appliedAtMs).toISOString()}${by === undefined ? '' : ` by ${by}`}`;
  const so = realized === undefined ? 'too few transfers since' : `realized ${gainText(realized)}`;
  return `${advice.id}  pool ${advice.pool}: ${advice.title}\n  ${when}: predicted ${gainText(predicted)}, ${so} (${state})`;
}

function gainText({ value, interval: [low, high], unit }: Gain): string {
  const of = unit === 'share_of_total_latency' ? 'of the total time' : 'of the typical latency';
  return `${percent(value)} (${percent(low)}..${percent(high)}) ${of}`;
}
