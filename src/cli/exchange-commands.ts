/** What the help says of `pitwall export` and `pitwall import`. */
import { type Command, describeCommand } from './command.ts';
import { DATA_DIR } from './data-folder.ts';

const FORMAT = {
  type: 'string',
  value: 'jsonl|csv|arrow',
  default: 'jsonl',
  meaning: 'JSON lines hold everything, CSV and Arrow the records alone',
} as const;

export const exportCommand: Command = describeCommand(
  {
    options: {
      'data-dir': DATA_DIR,
      pool: { type: 'string', value: 'NAME', meaning: 'the records of this pool alone' },
      format: FORMAT,
      out: { type: 'string', value: 'FILE', meaning: 'where to write; standard output else' },
    },
    examples: [
      ['pitwall export --out before-the-upgrade.jsonl', 'all pools, with what they learned'],
      ['pitwall export --pool ml --format arrow --out ml.arrow', 'the records of one pool, for a notebook'],
    ],
  },
  async (args) => (await import('./exchange.ts')).runExport(args),
);

export const importCommand: Command = describeCommand(
  {
    positionals: ['FILE'],
    options: {
      'data-dir': DATA_DIR,
      format: FORMAT,
      again: { type: 'boolean', meaning: 'also what is there already, which is left out else' },
    },
    examples: [
      ['pitwall import before-the-upgrade.jsonl --data-dir ./copy', 'a second data directory with the same content'],
    ],
  },
  async (args) => (await import('./exchange.ts')).runImport(args),
);
