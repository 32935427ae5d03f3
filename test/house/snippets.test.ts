/**
 * The examples of the README and the docs are programs. A block marked `ts run` is taken out as it stands, compiled as a strict user would
 * and run on the built package (dist/) in an empty folder; it must end by itself with exit code 0. A block marked `js file=worker.js` is
 * put beside the blocks of its page, for them to name.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, describe, expect, it } from 'vitest';
import { diagnose } from '../types/compile.ts';
import { codeBlocks } from './markdown.ts';
import type { TextFile } from './rule.ts';
import { pages } from './tree.ts';

interface Snippet {
  /** `docs/start.md:12`. */
  readonly name: string;
  readonly path: string;
}

const complete = existsSync('dist/runtime.js') && existsSync('dist/transports/index.js');
if (!complete) console.warn('SKIPPED: the examples need the runtime and the transports, and they are not built yet');

describe.skipIf(!complete)('the examples of the docs', () => {
  // Inside the checkout, so that `pitwall` is found by self-reference; ignored by git.
  const folder = `.tmp/snippets-${process.pid}`;
  const snippets = pages().flatMap((page) => extract(page, folder));
  const wrong = extract({ path: 'canary.md', text: canaryPage }, folder);
  const said = diagnose([...snippets, ...wrong].map(({ path }) => path));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('there are some, the quick start among them', () => {
    expect(snippets.some(({ name }) => name.startsWith('README.md'))).toBe(true);
  });

  it.each(snippets)('$name compiles', ({ path }) => expect(said.get(path)).toEqual([]));

  it.each(snippets)('$name runs', ({ path }) => expect(runIn(path)).toMatchObject({ status: 0, signal: null }));

  it('rings on an example that does not compile, and on one that fails', () => {
    const [typo, throws] = wrong;
    expect(said.get(typo?.path ?? '')?.join()).toContain('startRuntimes');
    expect(runIn(throws?.path ?? '')).toMatchObject({ status: 1 });
  });
});

const canaryPage =
  "```ts run\nimport { startRuntimes } from 'pitwall';\nstartRuntimes();\n```\n```ts run\nthrow new Error('as planned');\nexport {};\n```\n";

/** Writes a page's examples into a folder of its own. */
function extract(page: TextFile, folder: string): Snippet[] {
  const home = join(folder, page.path.replaceAll(/\W/g, '-'));
  const blocks = codeBlocks(page);
  const companions = blocks.flatMap((block) =>
    block.info.filter((word) => word.startsWith('file=')).map((word) => ({ block, name: word.slice(5) })),
  );
  const examples = blocks.filter((block) => block.info.includes('ts') && block.info.includes('run'));
  if (examples.length > 0) mkdirSync(home, { recursive: true });
  for (const { block, name } of examples.length > 0 ? companions : []) writeFileSync(join(home, name), block.code);
  return examples.map((block) => {
    const path = join(home, `line-${block.line}.ts`);
    writeFileSync(path, block.code);
    return { name: `${page.path}:${block.line}`, path };
  });
}

function runIn(path: string): { status: number | null; signal: string | null; stderr: string } {
  const compiled = path.replace(/\.ts$/, '.js');
  const { module, target } = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
  writeFileSync(
    compiled,
    ts.transpileModule(ts.sys.readFile(path) ?? '', { compilerOptions: { module, target } }).outputText,
  );
  const cwd = mkdtempSync(join(tmpdir(), 'pitwall-snippet-'));
  const options = { cwd, encoding: 'utf8' as const, timeout: 60_000 };
  const ended = spawnSync(process.execPath, ['--unhandled-rejections=strict', join(process.cwd(), compiled)], options);
  rmSync(cwd, { recursive: true, force: true });
  return { status: ended.status, signal: ended.signal, stderr: ended.stderr };
}
