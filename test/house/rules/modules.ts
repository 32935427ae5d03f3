/** How modules name each other: extensions, declared packages, no barrels, nothing that nobody reaches. */
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import ts from 'typescript';
import type { Rule, TextFile } from '../rule.ts';
import { importsOf, isRelative, packageOf, parse, targetOf } from '../syntax.ts';

/** What package.json's `exports` and `bin` name. */
const entries = [
  'src/index.ts',
  'src/otp/index.ts',
  'src/transports/index.ts',
  'src/telemetry/index.ts',
  'src/cli/main.ts',
];

export const specifiersCarryExtensions: Rule = {
  name: 'relative imports carry .ts',
  check(files) {
    return files.flatMap((file) =>
      importsOf(file)
        .filter(({ specifier, kind }) => isRelative(specifier) && kind !== 'url' && !specifier.endsWith('.ts'))
        .map(({ specifier, line }) => `${file.path}:${line} write ${specifier} with its .ts extension`),
    );
  },
  canaries: [
    { tree: { 'src/a.ts': "import './b.js';" }, rings: /write \.\/b\.js with/ },
    { tree: { 'src/a.ts': "export { b } from './b';" }, rings: /write \.\/b with/ },
  ],
  calm: { 'src/a.ts': "import './b.ts';\nnew URL('./worker.js', import.meta.url);" },
};

export function onlyDeclaredPackages(declared: readonly string[], optional: readonly string[]): Rule {
  return {
    name: 'packages are declared, node: is written out, optional peers are imported when used',
    check(files) {
      return files.flatMap((file) =>
        importsOf(file)
          .filter(({ specifier }) => !isRelative(specifier) && !specifier.startsWith('node:'))
          .flatMap(({ specifier, line, typeOnly, kind }) => {
            const name = packageOf(specifier);
            if (specifier === 'pitwall/package.json') return [];
            const where = `${file.path}:${line}`;
            if (builtinModules.includes(specifier)) return [`${where} write node:${specifier}`];
            if (optional.includes(name)) {
              return typeOnly || kind === 'dynamic' || file.path.startsWith('src/telemetry/')
                ? []
                : [`${where} ${name} is an optional peer: import() it where it is used`];
            }
            return declared.includes(name) ? [] : [`${where} ${name} is no dependency of package.json`];
          }),
      );
    },
    canaries: [
      { tree: { 'src/a.ts': "import fs from 'fs';" }, rings: /write node:fs/ },
      { tree: { 'src/a.ts': "import { x } from 'lodash/fp';" }, rings: /lodash is no dependency/ },
      { tree: { 'src/a.ts': "import { NodeSDK } from '@opentelemetry/sdk-node';" }, rings: /optional peer/ },
    ],
    calm: { 'src/a.ts': "import 'node:fs';\nimport { z } from 'zod';" },
  };
}

export const noBarrels: Rule = {
  name: 'no barrel files but the entry points',
  check(files) {
    return files
      .filter((file) => !entries.includes(file.path) && isBarrel(file))
      .map((file) => `${file.path}:1 only re-exports: import from the files themselves`);
  },
  canaries: [
    {
      tree: { 'src/decision/index.ts': "/** All. */\nexport * from './a.ts';\nexport type { B } from './b.ts';" },
      rings: /only re-exports/,
    },
    { tree: { 'src/decision/all.ts': "import { a } from './a.ts';\nexport { a };" }, rings: /only re-exports/ },
  ],
  calm: {
    'src/index.ts': "export * from './a.ts';",
    'src/decision/a.ts': "export type { B } from './b.ts';\nexport const c = 1;",
  },
};

function isBarrel(file: TextFile): boolean {
  const { statements } = parse(file);
  return (
    statements.length > 0 && statements.every((each) => ts.isExportDeclaration(each) || ts.isImportDeclaration(each))
  );
}

export const noDeadFiles: Rule = {
  name: 'every source file is reached from an entry point',
  check(files) {
    const byPath = new Map(files.map((file) => [file.path, file]));
    const reached = new Set<string>();
    const queue = entries.filter((entry) => byPath.has(entry));
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      const file = byPath.get(path);
      if (file === undefined || reached.has(path)) continue;
      reached.add(path);
      for (const { specifier } of importsOf(file).filter((each) => isRelative(each.specifier))) {
        queue.push(posix.normalize(targetOf(path, specifier)));
      }
      queue.push(...programsNamedIn(file));
    }
    return files
      .filter((file) => !reached.has(file.path) && !file.path.endsWith('.d.ts'))
      .map((file) => `${file.path}:1 nothing that an entry point imports needs it: delete it or use it`);
  },
  canaries: [
    { tree: { 'src/index.ts': "import './a.ts';", 'src/a.ts': '', 'src/lost.ts': '' }, rings: /src\/lost\.ts/ },
  ],
  calm: {
    'src/index.ts': "new URL('./thread.js', import.meta.url);\nimport('./b.ts');\nspawn(join(here, 'worker-main.js'));",
    'src/thread.ts': '',
    'src/b.ts': '',
    'src/worker-main.ts': '',
  },
};

/** A process or thread is started by its file's name: `'worker-main.js'` names the sibling that becomes it. */
function programsNamedIn(file: TextFile): string[] {
  return [...file.text.matchAll(/['"`]([\w-]+)\.js['"`]/g)].map((match) =>
    posix.join(posix.dirname(file.path), `${match[1]}.ts`),
  );
}
