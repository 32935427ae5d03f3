/** `pitwall bench`: its options. What it does is loaded when it is called for. */
import { readScenario, SCENARIO_OPTIONS } from './bench-scenario.ts';
import { type Command, defineCommand } from './command.ts';
import { readNumber } from './read-option.ts';
import { UsageError } from './usage-error.ts';

export const command: Command = defineCommand({
  options: {
    ...SCENARIO_OPTIONS,
    script: { type: 'string', value: 'FILE', meaning: "a worker script of your own; default one of pitwall's" },
    command: {
      type: 'string',
      value: 'NAME',
      default: 'read',
      meaning: "the command that is sent; pitwall's script has read, hash and echo",
    },
    html: { type: 'string', value: 'FILE', meaning: 'writes the report as a page with charts, which needs no network' },
    json: { type: 'boolean', default: false, meaning: 'one JSON object in place of the tables' },
    trace: {
      type: 'string',
      value: 'FILE',
      meaning: 'in place of a report: transfers by both lanes, for pitwall replay',
    },
    rows: { type: 'string', value: 'N', meaning: 'transfers of a trace; default 2000' },
  },
  notes: [
    'Starts a runtime in memory and one worker process, measures every configuration by both lanes in an order drawn anew each round, and',
    'ends after --seconds, or with an interrupt: what was measured until then is reported.',
    '',
    'A trace (JSON lines, compressed where FILE ends in .gz) holds a mixture of sizes, types, compression, bursts, warm and cold memory;',
    'each payload goes through both lanes three times. Options of the scenario other than --seed and --share do not apply to it.',
    '',
    'Exit codes: 0; 1 where every transfer failed; 2 for a wrong call.',
  ],
  examples: [
    ['pitwall bench', 'tensors of six sizes into warm and cold memory, twenty seconds'],
    ['pitwall bench --types tensor,json --sizes 16KiB,256KiB,4MiB --concurrency 1,4 --html report.html', 'with charts'],
    ['pitwall bench --share 0.05 --seconds 300', 'beside services that must not notice'],
    ['pitwall bench --trace machine.jsonl.gz --rows 4000', 'then: pitwall replay machine.jsonl.gz'],
  ],
  async run(values) {
    const { trace, html, json, script } = values;
    if (values.rows !== undefined && trace === undefined) throw new UsageError('--rows: goes with --trace');
    if (trace !== undefined && (html !== undefined || json)) {
      throw new UsageError('--trace: writes no report, so that --html and --json do not go with it');
    }
    const scenario = readScenario(values);
    const rows = Math.round(readNumber('--rows', values.rows, 1) ?? DEFAULT_ROWS);
    const { runBench } = await import('./bench-run.ts');
    return runBench({ scenario, script, command: values.command, html, json: json === true, trace, rows });
  },
});

const DEFAULT_ROWS = 2_000;
