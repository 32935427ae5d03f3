/** `pitwall doctor`: measures this machine, prints its card, and stores it for fresh pools to start from. */
import type { MachineCard } from '../learning/machine-card.ts';
import { type Command, defineCommand, EXIT } from './command.ts';
import { readJsonFile } from './json-file.ts';
import { readNumber } from './read-option.ts';
import { UsageError } from './usage-error.ts';

export const command: Command = defineCommand({
  options: {
    'data-dir': {
      type: 'string',
      value: 'DIR',
      default: './pitwall-data',
      meaning: 'where the card is stored: the data directory of a host, running or to come',
    },
    config: {
      type: 'string',
      value: 'FILE',
      meaning: 'the options of startRuntime as JSON: checked, and held against this machine',
    },
    'no-store': { type: 'boolean', default: false, meaning: 'prints the card and stores nothing' },
    seconds: {
      type: 'string',
      value: 'N',
      default: '2',
      meaning: 'of measuring, 0.5..60; starting processes comes on top',
    },
    'shm-dir': {
      type: 'string',
      value: 'DIR',
      default: '/dev/shm',
      meaning: 'directory on tmpfs for shared memory that needs a name',
    },
    json: { type: 'boolean', default: false, meaning: 'one JSON object in place of the text' },
  },
  notes: [
    'Sends payloads of five sizes by both lanes to a worker process of its own, into warm and cold memory, and looks at what the machine has.',
    'A host that starts on DIR afterwards decides by the card from its first transfer on; what a pool has learned wins over the card, and a',
    'card of another machine is not used. Run it while the machine is as busy as it usually is.',
    'Before that it looks at the store in DIR and the models in it, without changing anything, beside a running host too.',
    '',
    'Exit codes: 0 both lanes work and all is well; 1 something needed is missing, something is wrong with store, models or configuration, or the',
    'card could not be stored; 2 for a wrong call.',
  ],
  examples: [
    ['pitwall doctor', 'measures, prints, and stores the card in ./pitwall-data'],
    ['pitwall doctor --data-dir /var/lib/app/pitwall --seconds 5', 'at deployment, beside or before the host'],
    ['pitwall doctor --config pitwall.json', 'the configuration that will be deployed, too'],
    ['pitwall doctor --no-store --json', 'for a script: stores no card; DIR is looked at all the same'],
  ],
  async run(values) {
    const seconds = readNumber('--seconds', values.seconds, 0.5) ?? 2;
    if (seconds > 60) throw new UsageError(`--seconds: expected a number in 0.5..60, got ${seconds}`);
    const options = values.config === undefined ? undefined : readJsonFile(values.config);
    const { examineDataDirectory } = await import('../doctor/data-directory.ts');
    const stored = await examineDataDirectory(values['data-dir']);
    const { measureMachine } = await import('../doctor/measure.ts');
    const report = await measureMachine({ seconds, sharedMemoryDir: values['shm-dir'] });
    const { examineConfiguration } = await import('../doctor/configuration.ts');
    const configured =
      options === undefined ? [] : examineConfiguration(options, values['data-dir'], report.surroundings.room);
    const host = [...stored, ...configured];
    const dataDir = values['no-store'] ? undefined : values['data-dir'];
    const problem = report.card === undefined ? undefined : await storeIn(dataDir, report.card);
    const kept = dataDir !== undefined && report.card !== undefined && problem === undefined;
    if (values.json) {
      console.log(JSON.stringify({ ...report, host, storedIn: kept ? dataDir : null, storeProblem: problem ?? null }));
    } else {
      const { doctorText } = await import('./doctor-text.ts');
      console.log(doctorText(report, host));
      if (kept) console.log(`\nstored in ${dataDir}: pools that have learned nothing start from it`);
    }
    if (problem !== undefined) console.error(`pitwall: ${problem}`);
    return report.bothLanesWork && problem === undefined && host.every(({ ok }) => ok) ? EXIT.ok : EXIT.no;
  },
});

/** Why the card could not be stored; the card itself is worth showing all the same. */
async function storeIn(dataDir: string | undefined, card: MachineCard): Promise<string | undefined> {
  if (dataDir === undefined) return undefined;
  try {
    const { storeCard } = await import('../doctor/store-card.ts');
    await storeCard(dataDir, card);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
