/** uPlot for the pages of reports, read where it is installed. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { ChartCode } from '../metrics/analysis/page.ts';

/** uPlot and its style, to be written into a page; undefined where it is not installed. */
export async function chartCode(): Promise<ChartCode | undefined> {
  try {
    const requireFromHere = createRequire(import.meta.url);
    const { version }: { version: string } = requireFromHere('uplot/package.json');
    const read = (file: string): Promise<string> => readFile(requireFromHere.resolve(`uplot/${file}`), 'utf8');
    const script = withoutBanner(await read('dist/uPlot.iife.min.js'));
    // Which its licence asks for.
    const notice = `/* uPlot ${version}\n${(await read('LICENSE')).trim()} */`;
    return { script: `${notice}\n${script}`, style: await read('dist/uPlot.min.css') };
  } catch {
    return undefined;
  }
}

/** The first comment, whose address would be the only one in the page. */
function withoutBanner(script: string): string {
  return script.replace(/^\s*\/\*!.*?\*\/\s*/s, '');
}
