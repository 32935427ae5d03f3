/** What rules need to know of a TypeScript file, read by TypeScript's own parser. */
import { posix } from 'node:path';
import ts from 'typescript';
import type { TextFile } from './rule.ts';

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** Erased by the compiler: names types only. */
  readonly typeOnly: boolean;
  /** How the file is named: `import`, `export … from`, `import()`, or `new URL(…, import.meta.url)`, which is how threads are started. */
  readonly kind: 'import' | 're-export' | 'dynamic' | 'url';
}

export function parse(file: TextFile): ts.SourceFile {
  return ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true);
}

export function lineOf(source: ts.SourceFile, node: ts.Node): number {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}

/** Visits every node of a file, parents first. */
export function visit(source: ts.SourceFile, seen: (node: ts.Node) => void): void {
  const walk = (node: ts.Node): void => {
    seen(node);
    ts.forEachChild(node, walk);
  };
  walk(source);
}

export function importsOf(file: TextFile): Import[] {
  const source = parse(file);
  const found: Import[] = [];
  visit(source, (node) => {
    const hit = importAt(node);
    if (hit !== undefined) found.push({ ...hit, line: lineOf(source, node) });
  });
  return found;
}

function importAt(node: ts.Node): Omit<Import, 'line'> | undefined {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, typeOnly: isTypeOnly(node.importClause), kind: 'import' };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, typeOnly: node.isTypeOnly, kind: 're-export' };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return { specifier: node.argument.literal.text, typeOnly: true, kind: 'import' };
  }
  if (ts.isCallExpression(node)) {
    const dynamic = node.expression.kind === ts.SyntaxKind.ImportKeyword || isRequire(node.expression);
    const specifier = node.arguments[0];
    if (dynamic && specifier !== undefined && ts.isStringLiteralLike(specifier)) {
      return { specifier: specifier.text, typeOnly: false, kind: 'dynamic' };
    }
  }
  if (
    ts.isNewExpression(node) &&
    node.expression.getText() === 'URL' &&
    node.arguments?.[1]?.getText() === 'import.meta.url'
  ) {
    const path = node.arguments[0];
    if (path !== undefined && ts.isStringLiteralLike(path))
      return { specifier: path.text, typeOnly: false, kind: 'url' };
  }
  return undefined;
}

/** `require('x')`, and whatever `createRequire` was called here: `requireFromHere('x')`, `createRequire(import.meta.url)('x')`. */
function isRequire(callee: ts.Expression): boolean {
  return /^(require([A-Z]\w*)?|createRequire\(import\.meta\.url\))$/.test(callee.getText());
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const names = clause.namedBindings;
  return (
    clause.name === undefined &&
    names !== undefined &&
    ts.isNamedImports(names) &&
    names.elements.length > 0 &&
    names.elements.every((element) => element.isTypeOnly)
  );
}

export function isRelative(specifier: string): boolean {
  return specifier.startsWith('.');
}

/** The source file that a relative specifier names; `./worker.js` in a URL names the file that `./worker.ts` becomes. */
export function targetOf(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts');
}

/** `@scope/name/deep` -> `@scope/name`, `name/deep` -> `name`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
