/** `pitwall experiments`: the experiments that a host keeps, and the report of one. */
import { writeFileSync } from 'node:fs';
import { experimentHtml } from '../facade/experiment-page.ts';
import { Experiment } from '../metrics/analysis/experiment/experiment.ts';
import { experimentText, stateText } from '../metrics/analysis/experiment/text.ts';
import type { ExperimentReport } from '../metrics/analysis/experiment/types.ts';
import type { MetricsStore } from '../metrics/store-types.ts';
import { type Command, defineCommand, EXIT } from './command.ts';
import { DATA_DIR, openDataFolder } from './data-folder.ts';
import { unknownName } from './usage-error.ts';

export const command: Command = defineCommand({
  options: {
    'data-dir': DATA_DIR,
    name: { type: 'string', value: 'NAME', meaning: 'the whole report of this one; default: a line for each' },
    html: { type: 'string', value: 'FILE', meaning: 'with --name: the report as a page, written to this file' },
    json: { type: 'boolean', default: false, meaning: 'one JSON array of whole reports' },
  },
  notes: ['What runs is as its host stored it last, at most ten seconds ago. Nothing in the directory is changed.'],
  examples: [
    ['pitwall experiments', 'which there are, and what they came to'],
    ['pitwall experiments --name small-margin', 'variants, comparisons, intervals'],
  ],
  async run(values) {
    const store = await openDataFolder(values['data-dir'], 'existing');
    try {
      const all = reportsOf(store);
      const shown = values.name === undefined ? all : all.filter(({ name }) => name === values.name);
      if (values.name !== undefined && shown.length === 0) {
        throw unknownName(
          'experiment',
          values.name,
          all.map(({ name }) => name),
        );
      }
      const [one] = shown;
      if (values.json) console.log(JSON.stringify(shown));
      else if (values.name === undefined || one === undefined) console.log(list(shown));
      else if (values.html === undefined) console.log(experimentText(one));
      else writeFileSync(values.html, await experimentHtml(one));
      return EXIT.ok;
    } finally {
      await store.close();
    }
  },
});

/** The newest first. What cannot be read is left out, with a word. */
function reportsOf(store: MetricsStore): ExperimentReport[] {
  const reports: ExperimentReport[] = [];
  for (const [name, stored] of store.entries('experiments')) {
    try {
      reports.push(Experiment.fromJson(stored).report());
    } catch {
      console.error(`pitwall: the experiment ${JSON.stringify(name)} cannot be read`);
    }
  }
  return reports.sort((a, b) => b.startedAtMs - a.startedAtMs);
}

function list(reports: readonly ExperimentReport[]): string {
  if (reports.length === 0) return 'no experiment was started yet';
  return reports
    .map((report) => `${report.name} (pool ${report.pool}): ${stateText(report)}\n  ${report.verdict.text}`)
    .join('\n');
}
