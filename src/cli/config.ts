/** `pitwall config check FILE`: every problem of a configuration, or what it would change. */
import { diffConfigs } from '../config/diff.ts';
import { checkConfig } from '../config/parse.ts';
import { type Command, defineCommand, EXIT } from './command.ts';
import { readJsonFile } from './json-file.ts';
import { printable } from './text.ts';
import { UsageError } from './usage-error.ts';

export const command: Command = defineCommand({
  positionals: ['check', 'FILE'],
  options: {
    against: { type: 'string', value: 'FILE', meaning: 'the configuration in use: says what would change' },
    json: { type: 'boolean', default: false, meaning: 'one JSON object' },
  },
  notes: [
    'FILE holds the options of startRuntime as JSON; loggers, clocks and custom rules are code, and have no place in it. Against a running host:',
    'runtime.diffConfig(options).',
    '',
    'Exit codes: 0 it is valid; 1 it is not: every problem is listed; 2 the call is wrong.',
  ],
  examples: [
    ['pitwall config check pitwall.json', 'in a pipeline, before it is deployed'],
    ['pitwall config check next.json --against pitwall.json', 'what changes, and which of it needs a restart'],
  ],
  async run({ against, json }, [what, file = '']) {
    if (what !== 'check') throw new UsageError(`${JSON.stringify(what)}: expected check`);
    const checked = checkConfig(readJsonFile(file));
    if (!checked.ok) {
      if (json) console.log(JSON.stringify({ ok: false, problems: checked.problems }));
      else for (const { message } of checked.problems) console.log(printable(message));
      return EXIT.no;
    }
    const before = against === undefined ? undefined : checkConfig(readJsonFile(against));
    if (before?.ok === false) throw new UsageError(`--against: ${before.problems[0]?.message ?? 'is not valid'}`);
    const inForce = new Map(before?.config.pools.map((pool) => [pool.name, pool]));
    const changes = before === undefined ? [] : diffConfigs(before.config, checked.config, inForce);
    if (json) console.log(JSON.stringify({ ok: true, ...(before && { changes }) }));
    else {
      const value = (given: unknown): string => (given === undefined ? 'not set' : JSON.stringify(given));
      console.log(before === undefined ? 'valid' : `valid; ${changes.length} changes`);
      for (const { path, from, to, takesEffect } of changes) {
        console.log(
          printable(
            `  ${path}: ${value(from)} -> ${value(to)} (${takesEffect === 'now' ? 'at run time' : 'with a restart'})`,
          ),
        );
      }
    }
    return EXIT.ok;
  },
});
