/** The report of an experiment as a page with its chart. */
import { experimentPage } from '../metrics/analysis/experiment/html.ts';
import type { ExperimentReport } from '../metrics/analysis/experiment/types.ts';
import { chartCode } from './chart-code.ts';

/** One page that fetches nothing: the figures as tables, and where scripts run how the primary metric and its interval went. */
export async function experimentHtml(report: ExperimentReport): Promise<string> {
  return experimentPage(report, await chartCode());
}
