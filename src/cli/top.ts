/** `pitwall top`: what goes on in a host, refreshed each second, read beside it from its data directory. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, defineCommand, EXIT } from './command.ts';
import { DATA_DIR } from './data-folder.ts';
import { readDuration } from './duration.ts';
import { LiveSource } from './live-source.ts';
import { POOL } from './pool-names.ts';
import { Terminal } from './terminal.ts';
import { formatTime } from './time-range.ts';
import { TopChoice } from './top-choice.ts';
import type { TopFrame } from './top-frame.ts';
import { topScreen } from './top-screen.ts';

export const command: Command = defineCommand({
  options: {
    'data-dir': DATA_DIR,
    pool: POOL,
    window: { type: 'string', value: '1m', default: '1m', meaning: 'the time that figures are over, 10s..15m' },
    interval: { type: 'string', value: '1s', default: '1s', meaning: 'the time between refreshes, 100ms..1h' },
    once: { type: 'boolean', default: false, meaning: 'one refresh' },
    json: { type: 'boolean', default: false, meaning: 'one JSON object a refresh, each on its line' },
  },
  notes: [
    'Keys: q quits; p shows the lanes and thresholds of the next pool; left and right sort by another column, r the other way round.',
    'rate/s and MB/s are over the last five steps of the graph, everything else over the window; pred.error is the median of',
    '|actual - predicted| / predicted. Without a terminal, refreshes are printed one after another. NO_COLOR and COLUMNS are heeded.',
    'Nothing in the directory is changed.',
  ],
  examples: [
    ['pitwall top', 'until q or Ctrl-C'],
    ['pitwall top --once --json', 'one look, for a script'],
    ['pitwall top --window 5m --interval 10s', 'slower, over a longer time'],
  ],
  async run(values) {
    const windowMs = readDuration('--window', values.window, ['10s', '15m']);
    const intervalMs = readDuration('--interval', values.interval, ['100ms', '1h']);
    const source = new LiveSource(values['data-dir'], windowMs, values.pool);
    await source.open();
    try {
      const asked = { dataDir: values['data-dir'], intervalMs, once: values.once };
      if (values.json) await print(source, asked, (frame) => frameJson(frame));
      else if (process.stdout.isTTY && !values.once) await watch(source, asked);
      else await print(source, asked, (frame) => `${plainScreen(frame, asked.dataDir).join('\n')}\n`);
      return EXIT.ok;
    } finally {
      await source.close();
    }
  },
});

interface Asked {
  readonly dataDir: string;
  readonly intervalMs: number;
  readonly once: boolean;
}

/** Refreshes one after another, as text. */
async function print(source: LiveSource, asked: Asked, textOf: (frame: TopFrame) => string): Promise<void> {
  const ended = endOfProcess();
  await each(source, asked, ended, async (frame) => {
    if (process.stdout.write(`${textOf(frame)}\n`)) return;
    // Whoever reads is slower than we write: what waits must not pile up.
    await once(process.stdout, 'drain', { signal: ended.signal }).catch(() => undefined);
  });
}

/** A screen that is drawn over, with keys. */
async function watch(source: LiveSource, asked: Asked): Promise<void> {
  const ended = endOfProcess();
  const view = new TopChoice();
  let latest: TopFrame | undefined;
  let resized = false;
  const draw = (): void => {
    if (latest === undefined) return;
    const { columns, rows } = terminal.size;
    const width = resized ? columns : (columnsAsked() ?? columns);
    const state = view.state(latest);
    terminal.draw(
      topScreen(latest, {
        dataDir: asked.dataDir,
        width,
        height: rows,
        colour: wantsColour(),
        keys: terminal.hasKeys,
        ...state,
      }),
    );
  };
  const terminal = new Terminal(process.stdin, process.stdout, {
    key: (key) => {
      if (key === 'quit') ended.abort();
      else view.heed(key, latest);
      draw();
    },
    resize: () => {
      resized = true;
      draw();
    },
  });
  terminal.enter();
  try {
    await each(source, asked, ended, (frame) => {
      latest = frame;
      draw();
    });
  } finally {
    terminal.leave();
  }
}

/** Reads and shows until asked to end. */
async function each(
  source: LiveSource,
  { intervalMs, once }: Asked,
  ended: AbortController,
  show: (frame: TopFrame) => void | Promise<void>,
): Promise<void> {
  let dueMs = performance.now();
  while (!ended.signal.aborted) {
    await show(await source.read());
    if (once) return;
    // A refresh that took longer than the interval is not made up for.
    dueMs = Math.max(dueMs + intervalMs, performance.now());
    await sleep(dueMs - performance.now(), undefined, { signal: ended.signal }).catch(() => undefined);
  }
}

/** Fires when the process is asked to end: that is how this command is meant to be left. */
function endOfProcess(): AbortController {
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => ended.abort());
  return ended;
}

function plainScreen(frame: TopFrame, dataDir: string): string[] {
  const view = { dataDir, height: undefined, colour: false, keys: false, sortColumn: 0, reversed: false };
  return topScreen(frame, { ...view, chosen: undefined, width: columnsAsked() ?? process.stdout.columns ?? 80 });
}

function wantsColour(): boolean {
  return (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb';
}

function columnsAsked(): number | undefined {
  const columns = Number(process.env.COLUMNS);
  return Number.isInteger(columns) && columns >= 20 && columns <= 10_000 ? columns : undefined;
}

/** What is not there is null, so that every line has the same fields. */
function frameJson({ atUs, ...rest }: TopFrame): string {
  return JSON.stringify({ at: formatTime(atUs), atUs, ...rest }, (_name, value) => value ?? null);
}
