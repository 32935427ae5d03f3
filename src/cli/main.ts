#!/usr/bin/env node
/** The `pitwall` command: finds the subcommand, and turns what becomes of it into an exit code. */
import { createRequire } from 'node:module';
import { InvalidArgumentError, PitwallError } from '../errors.ts';
import { type Command, EXIT } from './command.ts';
import { COMMANDS, type CommandEntry } from './commands.ts';
import { UsageError, unknownName } from './usage-error.ts';

const [name, ...rest] = process.argv.slice(2);

// Whoever reads our output may stop reading (`| head`): that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.no);
});

try {
  process.exitCode = await main();
} catch (error) {
  process.exitCode = explainFailure(error);
}

async function main(): Promise<number> {
  switch (name) {
    case '--version':
    case '-v':
      console.log(version());
      return EXIT.ok;
    case undefined:
      console.error(overview());
      return EXIT.usage;
    case '--help':
    case '-h':
    case 'help':
      console.log(await help(rest[0]));
      return EXIT.ok;
    default:
      return runCommand(name);
  }
}

async function runCommand(called: string): Promise<number> {
  const entry = entryOf(called);
  const command = await entry.load();
  if (asksForHelp(rest)) {
    console.log(command.help(entry));
    return EXIT.ok;
  }
  try {
    return await command.run(rest);
  } catch (error) {
    throw asUsageError(error, command);
  }
}

async function help(about: string | undefined): Promise<string> {
  if (about === undefined) return overview();
  const entry = entryOf(about);
  return (await entry.load()).help(entry);
}

function entryOf(called: string): CommandEntry {
  const entry = COMMANDS.find((candidate) => candidate.name === called);
  if (entry !== undefined) return entry;
  throw unknownName(
    'command',
    called,
    COMMANDS.map((candidate) => candidate.name),
  );
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end < 0 ? undefined : end).some((arg) => arg === '--help' || arg === '-h');
}

function overview(): string {
  const width = Math.max(...COMMANDS.map((entry) => entry.name.length)) + 2;
  return [
    'pitwall: which lane a payload takes to its worker, decided, measured, explained.',
    '',
    ...COMMANDS.map((entry) => `  pitwall ${entry.name.padEnd(width)}${entry.summary}`),
    '',
    '  pitwall help COMMAND   its options, with examples',
    '  pitwall --version',
    '',
    'Exit codes: 0 done, or the answer is yes; 1 the answer is no, or it failed; 2 the call is wrong, or there is nothing to answer from.',
  ].join('\n');
}

/** What Node's own reader of arguments throws, in our words. */
function asUsageError(error: unknown, command: Command): unknown {
  if (!(error instanceof TypeError) || !('code' in error) || !String(error.code).startsWith('ERR_PARSE_ARGS')) {
    return error;
  }
  const unknown = /^Unknown option '(-[^']*)'/.exec(error.message)?.[1];
  return unknown === undefined ? new UsageError(error.message) : unknownName('option', unknown, command.options);
}

function explainFailure(error: unknown): number {
  const wrongCall = error instanceof UsageError || error instanceof InvalidArgumentError;
  // Anything that is not of our family is a fault of ours, and shows where it happened.
  console.error(error instanceof PitwallError ? `pitwall: ${error.message}` : error);
  if (!wrongCall) return EXIT.no;
  const known = COMMANDS.some((entry) => entry.name === name);
  console.error(known ? `See: pitwall help ${name}` : 'See: pitwall help');
  return EXIT.usage;
}

function version(): string {
  const manifest: { version: string } = createRequire(import.meta.url)('pitwall/package.json');
  return manifest.version;
}
