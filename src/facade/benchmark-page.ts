/** The report of a benchmark as a page with its charts. */
import { benchmarkPage } from '../metrics/analysis/benchmark/html.ts';
import type { BenchmarkReport } from '../metrics/analysis/benchmark/types.ts';
import { chartCode } from './chart-code.ts';

/**
 * A report as one HTML page that fetches nothing: each series as a table, and where scripts run as a chart of both lanes' latency by size, with intervals
 * and the size where they cross. Without the package `uplot` (inside a bundle, say) there are only the tables.
 */
export async function benchmarkHtml(report: BenchmarkReport): Promise<string> {
  return benchmarkPage(report, await chartCode());
}
