/** Types are told, not silenced. */
import ts from 'typescript';
import type { Rule, TextFile } from '../rule.ts';
import { lineOf, parse, visit } from '../syntax.ts';

export const typesAreNotSilenced: Rule = {
  name: 'no any, no !, no cast without its reason, no switched-off checker',
  check(files) {
    return files.flatMap((file) => [...silencedNodes(file), ...silencingComments(file)]);
  },
  canaries: [
    { tree: { 'src/a.ts': 'export const a: any = 1;' }, rings: /any: say unknown/ },
    { tree: { 'src/a.ts': 'export const a = (b as any).c;' }, rings: /any: say unknown/ },
    { tree: { 'src/a.ts': 'export const a = (b?: string) => b!.length;' }, rings: /!: test for it/ },
    { tree: { 'src/a.ts': 'export const a = b as string;' }, rings: /a cast says nothing about why/ },
    {
      tree: { 'src/a.ts': '/** A docstring is no reason. */\n\nexport const a = <string>b;' },
      rings: /a cast says nothing about why/,
    },
    { tree: { 'src/a.ts': '// @ts-expect-error\nexport const a = 1;' }, rings: /ts-expect-error/ },
    { tree: { 'src/a.ts': '// @ts-nocheck' }, rings: /ts-nocheck/ },
  ],
  calm: {
    'src/a.ts':
      "export const a = ['x'] as const;\n// lmdb types a value as unknown; this table holds what we encoded.\nexport const b = (read() as string).length;\nexport const rows = [] as number[];\n/** lmdb wants it mutable and does not write. */\nfunction mutable(a: readonly E[]) {\n  return a as E[];\n}\nexport const c = d satisfies E; // any",
  },
};

function silencedNodes(file: TextFile): string[] {
  const source = parse(file);
  const lines = file.text.split('\n');
  const findings: string[] = [];
  const report = (node: ts.Node, what: string) => findings.push(`${file.path}:${lineOf(source, node)} ${what}`);
  visit(source, (node) => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) report(node, 'any: say unknown and narrow it');
    if (ts.isNonNullExpression(node)) report(node, '!: test for it');
    if (ts.isAsExpression(node) || ts.isTypeAssertionExpression(node)) {
      if (node.type.getText(source) === 'const' || isEmptyArray(node.expression)) return;
      if (!hasReason(source, node, lines))
        report(node, 'a cast says nothing about why: narrow instead, or comment the foreign boundary');
    }
  });
  return findings;
}

/** `[] as number[]` says what the array will hold; it silences nothing. */
function isEmptyArray(value: ts.Expression): boolean {
  return ts.isArrayLiteralExpression(value) && value.elements.length === 0;
}

/**
 * A comment on the cast's own lines or on the line above them, above the statement or member that holds it, or, where that is all a
 * function does, above the function.
 */
function hasReason(source: ts.SourceFile, cast: ts.Node, lines: readonly string[]): boolean {
  const holder = climb(
    cast,
    (node) => ts.isStatement(node) || ts.isClassElement(node) || ts.isPropertyAssignment(node),
  );
  const block = holder.parent;
  const only =
    block !== undefined && ts.isBlock(block) && block.statements.length === 1 && ts.isFunctionLike(block.parent);
  const places = [cast, holder, ...(only ? [block.parent] : [])];
  const own = lines.slice(lineOf(source, holder) - 1, source.getLineAndCharacterOfPosition(cast.getEnd()).line + 1);
  return [...own, ...places.map((place) => lines[lineOf(source, place) - 2] ?? '')].some((line) =>
    /\/\/|\*\/|^\s*\*/.test(line),
  );
}

function climb(node: ts.Node, until: (node: ts.Node) => boolean): ts.Node {
  let current = node;
  while (!until(current) && current.parent !== undefined) current = current.parent;
  return current;
}

function silencingComments(file: TextFile): string[] {
  return file.text.split('\n').flatMap((line, index) => {
    const hit = /@(ts-ignore|ts-nocheck|ts-expect-error)/.exec(line);
    return hit === null ? [] : [`${file.path}:${index + 1} ${hit[1]}: mend the type`];
  });
}
