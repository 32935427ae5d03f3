#!/usr/bin/env node
/** The `pitwall` command. Each subcommand is a file that exports `run(args)`, loaded when it is called. */
import { readFileSync } from 'node:fs';
import { PitwallError } from '../errors.ts';

const HELP = `pitwall: which lane a payload takes to its worker, decided, measured, explained.

  pitwall stats [--data-dir DIR] [--pool NAME] [--since 1h] [--json]
                what was measured, read from the data directory of a running or resting host
  pitwall --help | --version

The main job on real payloads: npm start, in a checkout.`;

async function main(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  switch (command) {
    case 'stats':
      return (await import('./stats.ts')).run(rest);
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
  const manifest: { version: string } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
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
