/** The core can be replayed bit for bit: time and randomness come in as arguments, and nothing is remembered between calls. */
import ts from 'typescript';
import type { Rule, TextFile } from '../rule.ts';
import { importsOf, isRelative, lineOf, parse, visit } from '../syntax.ts';
import { unitOf } from './direction.ts';

const pureUnits = ['decision', 'learning'];
/** The one file in which `otp` may ask the machine what time it is. */
const realClock = 'src/otp/clock.ts';

const clockAndChance = new Set([
  'Date.now',
  'Math.random',
  'performance.now',
  'performance.timeOrigin',
  'process.hrtime',
  'process.uptime',
  'crypto.randomUUID',
  'crypto.getRandomValues',
]);
const timers = new Set(['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']);

export const noClockOrChance: Rule = {
  name: 'no clock and no random source in decision/, learning/ and otp/',
  check(files) {
    return files
      .filter((file) => [...pureUnits, 'otp'].includes(unitOf(file.path)) && file.path !== realClock)
      .flatMap((file) => impureUses(file, pureUnits.includes(unitOf(file.path))));
  },
  canaries: [
    {
      tree: { 'src/decision/a.ts': 'export const a = () => Date.now();' },
      rings: /Date\.now: take the time as an argument/,
    },
    { tree: { 'src/learning/a.ts': 'export const a = (): number => Math\n  .random();' }, rings: /Math\.random/ },
    { tree: { 'src/otp/a.ts': 'export const a = () => performance.now();' }, rings: /performance\.now/ },
    { tree: { 'src/otp/a.ts': 'export const a = () => new Date();' }, rings: /new Date/ },
    { tree: { 'src/otp/a.ts': 'export const a = () => globalThis.Date.now();' }, rings: /Date\.now/ },
    { tree: { 'src/otp/a.ts': 'const { now } = Date;' }, rings: /Date passed on/ },
    { tree: { 'src/decision/a.ts': 'setTimeout(() => {}, 1);' }, rings: /setTimeout/ },
  ],
  calm: {
    'src/otp/clock.ts': 'export const now = () => performance.now();',
    'src/decision/a.ts':
      '// Date.now() is not for us\nexport const a = (date: Date) => `Date.now() at` + date.getTime();',
    'src/actors/a.ts': 'export const a = () => Date.now();',
  },
};

function impureUses(file: TextFile, timersToo: boolean): string[] {
  const source = parse(file);
  const findings: string[] = [];
  const report = (node: ts.Node, what: string) =>
    findings.push(
      `${file.path}:${lineOf(source, node)} ${what}: take the time as an argument, or randomness, or a clock`,
    );
  visit(source, (node) => {
    if (ts.isPropertyAccessExpression(node)) {
      const name = node
        .getText(source)
        .replaceAll(/\s/g, '')
        .replace(/^globalThis\./, '');
      if (clockAndChance.has(name)) report(node, name);
    }
    if ((ts.isNewExpression(node) || ts.isCallExpression(node)) && node.expression.getText(source) === 'Date') {
      if (ts.isCallExpression(node) || (node.arguments?.length ?? 0) === 0) report(node, 'new Date');
    }
    if (timersToo && ts.isCallExpression(node) && timers.has(node.expression.getText(source)))
      report(node, node.expression.getText(source));
    if (isSourceOfTimeAsValue(node)) report(node, `${node.getText(source)} passed on`);
  });
  return findings;
}

/** `const { now } = Date`, `const p = performance`: the same clock by another name. */
function isSourceOfTimeAsValue(node: ts.Node): boolean {
  if (!ts.isIdentifier(node) || !['Date', 'Math', 'performance'].includes(node.text)) return false;
  return ts.isVariableDeclaration(node.parent) && node.parent.initializer === node;
}

export const pureCoreImportsNothingImpure: Rule = {
  name: 'decision/ and learning/ import no I/O',
  check(files) {
    return files
      .filter((file) => pureUnits.includes(unitOf(file.path)))
      .flatMap((file) =>
        importsOf(file)
          .filter(({ specifier, typeOnly }) => !typeOnly && !isRelative(specifier) && specifier !== 'ml-cart')
          .map(
            ({ specifier, line }) =>
              `${file.path}:${line} imports ${specifier}: the pure core imports only its own kind`,
          ),
      );
  },
  canaries: [{ tree: { 'src/decision/a.ts': "import { readFileSync } from 'node:fs';" }, rings: /imports node:fs/ }],
  calm: { 'src/learning/a.ts': "import { b } from './b.ts';\nimport type { X } from 'lmdb';" },
};

export const noModuleState: Rule = {
  name: 'no mutable module state in decision/ and learning/',
  check(files) {
    return files.filter((file) => pureUnits.includes(unitOf(file.path))).flatMap(mutableModuleState);
  },
  canaries: [
    { tree: { 'src/decision/a.ts': 'let last = 0;' }, rings: /module-level let/ },
    {
      tree: { 'src/decision/a.ts': 'const seen = new Map<string, number>();' },
      rings: /seen is a mutable module-level/,
    },
    { tree: { 'src/learning/a.ts': 'const rows: number[] = [];' }, rings: /rows is a mutable module-level/ },
    {
      tree: { 'src/learning/a.ts': 'const scratch = new Float64Array(8);' },
      rings: /scratch is a mutable module-level/,
    },
  ],
  calm: {
    'src/decision/a.ts':
      "const goals: ReadonlySet<string> = new Set(['a']);\nconst none: readonly string[] = [];\nconst frozen = Object.freeze({ a: 1 });\nexport function f() {\n  let a = 0;\n  return a++;\n}",
  },
};

function mutableModuleState(file: TextFile): string[] {
  const source = parse(file);
  const findings: string[] = [];
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    const line = lineOf(source, statement);
    if ((statement.declarationList.flags & ts.NodeFlags.Const) === 0)
      findings.push(`${file.path}:${line} module-level let`);
    for (const { name, type, initializer } of statement.declarationList.declarations) {
      if (
        initializer !== undefined &&
        isMutableCollection(initializer) &&
        !/readonly/i.test(type?.getText(source) ?? '')
      ) {
        findings.push(
          `${file.path}:${line} ${name.getText(source)} is a mutable module-level value: give it a readonly type`,
        );
      }
    }
  }
  return findings;
}

function isMutableCollection(value: ts.Expression): boolean {
  if (ts.isNewExpression(value)) return /^(Weak)?(Map|Set)$|Array$|^ArrayBuffer$/.test(value.expression.getText());
  return (
    (ts.isArrayLiteralExpression(value) && value.elements.length === 0) ||
    (ts.isObjectLiteralExpression(value) && value.properties.length === 0)
  );
}
