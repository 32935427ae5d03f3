/** `pitwall dashboard`: the page in the browser, read beside a host from its data directory. */
import { readFileSync } from 'node:fs';
import { DEFAULT_HOST, DEFAULT_PORT, readOptions } from '../dashboard/options.ts';
import { startDashboard } from '../dashboard/server.ts';
import { type Command, defineCommand, EXIT } from './command.ts';
import { DataFolderSource } from './dashboard-source.ts';
import { DATA_DIR } from './data-folder.ts';
import { readNumber } from './read-option.ts';
import { UsageError } from './usage-error.ts';

export const command: Command = defineCommand({
  options: {
    'data-dir': DATA_DIR,
    port: {
      type: 'string',
      value: 'PORT',
      default: String(DEFAULT_PORT),
      meaning: 'where it listens; 0: any free one',
    },
    host: { type: 'string', value: 'ADDRESS', default: DEFAULT_HOST, meaning: 'the address it listens on' },
    'token-file': {
      type: 'string',
      value: 'FILE',
      meaning: 'whoever looks must have the token in this file; else PITWALL_DASHBOARD_TOKEN',
    },
    'allow-host': {
      type: 'string',
      value: 'NAME',
      multiple: true,
      meaning: 'a further name under which browsers reach it',
    },
  },
  notes: [
    'Until Ctrl-C. An address that other machines reach needs a token; it is never given as an argument, which every user of the machine can read.',
    'The supervision tree, and applying advice, are in the page of a host itself: runtime.dashboard.listen().',
    'Nothing in the directory is changed, and the page loads nothing from elsewhere.',
  ],
  examples: [
    ['pitwall dashboard', `http://${DEFAULT_HOST}:${DEFAULT_PORT}/`],
    ['pitwall dashboard --host 0.0.0.0 --token-file token.txt', 'for other machines, with a token'],
  ],
  async run(values) {
    const settings = readOptions({
      port: readNumber('--port', values.port, 0),
      host: values.host,
      token: tokenFrom(values['token-file']),
      allowedHosts: values['allow-host'] ?? [],
    });
    const source = new DataFolderSource(values['data-dir']);
    // What cannot be read is told here, not to the first browser that comes.
    await source.wake();
    await source.rest();
    const server = await startDashboard(source, settings);
    console.log(`pitwall: the dashboard of ${JSON.stringify(values['data-dir'])} is at ${server.url}`);
    await endOfProcess();
    await server.close();
    return EXIT.ok;
  },
});

function tokenFrom(file: string | undefined): string | undefined {
  if (file === undefined) return process.env.PITWALL_DASHBOARD_TOKEN || undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new UsageError(
      `--token-file: ${JSON.stringify(file)} cannot be read: ${error instanceof Error ? error.message : error}`,
    );
  }
}

/** Resolves when the process is asked to end: that is how this command is meant to be left. Keeps it running until then. */
function endOfProcess(): Promise<void> {
  return new Promise((resolve) => {
    const running = setInterval(() => undefined, 2 ** 30);
    const end = (): void => {
      clearInterval(running);
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end);
  });
}
