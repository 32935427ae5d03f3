/**
 * Which packages load here, tried in a child process: native code that ends a process there would have ended the host here. Packages are named, not
 * imported: each has its own place in the code.
 */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Finding } from './report.ts';

const TIMEOUT_MS = 10_000;

/** One line a package, when it was tried: what kept it from loading, or nothing. */
const TRIAL = `
for (const file of process.argv.slice(1)) {
  let problem = '';
  try { require(file); } catch (error) { problem = String(error && error.message).split('\\n')[0]; }
  console.log(JSON.stringify(problem));
}
process.exit(0);
`;

/** In the order of the names. Never rejects. */
export async function tryPackages(names: readonly string[]): Promise<Finding[]> {
  const found = names.flatMap((name) => {
    const file = locate(name);
    return file === undefined ? [] : [{ name, file }];
  });
  const problems = await tryFiles(found.map(({ file }) => file));
  return names.map((name) => {
    const at = found.findIndex((each) => each.name === name);
    const problem =
      at < 0 ? 'is not installed' : (problems[at] ?? 'ended its process, or took too long, while it loaded');
    return { name, works: problem === '', problem };
  });
}

function tryFiles(files: readonly string[]): Promise<string[]> {
  if (files.length === 0) return Promise.resolve([]);
  const options = { timeout: TIMEOUT_MS, env: { ...process.env, NODE_OPTIONS: '' }, windowsHide: true };
  return new Promise((resolve) => {
    execFile(process.execPath, ['-e', TRIAL, ...files], options, (_error, stdout) => resolve(linesOf(stdout)));
  });
}

function linesOf(text: string): string[] {
  return text.split('\n').flatMap((line): string[] => {
    if (line === '') return [];
    try {
      return [String(JSON.parse(line))];
    } catch {
      return ['said something else'];
    }
  });
}

function locate(name: string): string | undefined {
  const url: string | undefined = import.meta.url;
  for (const start of [url, pathToFileURL(path.join(process.cwd(), 'resolve.js')).href]) {
    if (start === undefined) continue;
    try {
      return createRequire(start).resolve(name);
    } catch {
      // The next place.
    }
  }
  return undefined;
}
