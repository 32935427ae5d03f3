#!/usr/bin/env node
/** The `pitwall` command. Each subcommand is a file that exports `run(args)`, loaded when it is called. */
import { createRequire } from 'node:module';
import { PitwallError } from '../errors.ts';

const HELP = `pitwall: which lane a payload takes to its worker, decided, measured, explained.

  pitwall stats [--data-dir DIR] [--pool NAME] [--since 1h] [--json]
                what was measured, read from the data directory of a running or resting host
  pitwall explain --pool NAME [--data-dir DIR]
                the pool's size ranges per lane, from what it has learned
  pitwall export [--data-dir DIR] [--pool NAME] [--format jsonl|csv|arrow] [--out FILE]
  pitwall import FILE [--data-dir DIR] [--format jsonl|csv|arrow]
                everything that was recorded and learned, for a post-mortem or another machine
  pitwall --help | --version

The main job on real payloads: npm start, in a checkout.`;

async function main(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  switch (command) {
    case 'stats':
      return (await import('./stats.ts')).run(rest);
    case 'explain':
      return (await import('./explain.ts')).run(rest);
    case 'export':
      return (await import('./exchange.ts')).runExport(rest);
    case 'import':
      return (await import('./exchange.ts')).runImport(rest);
    case '--version':
    case '-v':
      console.log(version());
      return 0;
    case undefined:
    case '--help':
    case '-h':
    case 'help':
      console.log(HELP);
      return command === undefined ? 2 : 0;
    default:
      console.error(`pitwall: there is no command "${command}"\n\n${HELP}`);
      return 2;
  }
}

function version(): string {
  const manifest: { version: string } = createRequire(import.meta.url)('pitwall/package.json');
  return manifest.version;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // A mistake in the call is explained; anything else is ours, and shows where it happened.
  const known = error instanceof PitwallError || (error instanceof TypeError && 'code' in error);
  console.error(known ? `pitwall: ${error.message}` : error);
  process.exitCode = 1;
}
