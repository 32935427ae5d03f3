/** Small files, functions that fit a screen. */
import ts from 'typescript';
import type { Rule, TextFile } from '../rule.ts';
import { lineOf, parse, visit } from '../syntax.ts';

const maxFileLines = 400;
const maxFunctionLines = 70;
/** From here on a file is told about, not refused. */
const longFileLines = 300;

const linesOf = (file: TextFile): number => file.text.trimEnd().split('\n').length;

export const filesAreShort: Rule = {
  name: `a file has at most ${maxFileLines} lines`,
  check(files) {
    return files
      .filter((file) => linesOf(file) > maxFileLines)
      .map((file) => `${file.path}:1 has ${linesOf(file)} lines: it holds two things, make them two files`);
  },
  canaries: [{ tree: { 'src/a.ts': 'a;\n'.repeat(maxFileLines + 1) }, rings: /has 401 lines/ }],
  calm: { 'src/a.ts': 'a;\n'.repeat(maxFileLines) },
};

/** What the test prints, so that files which grow are seen before they are refused. */
export function longFiles(files: readonly TextFile[]): string[] {
  return files.filter((file) => linesOf(file) > longFileLines).map((file) => `${file.path} ${linesOf(file)} lines`);
}

export const functionsFitAScreen: Rule = {
  name: `a function has at most ${maxFunctionLines} lines`,
  check(files) {
    return files.flatMap((file) => {
      const source = parse(file);
      const findings: string[] = [];
      visit(source, (node) => {
        if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return;
        const length = source.getLineAndCharacterOfPosition(node.end).line + 2 - lineOf(source, node);
        if (length > maxFunctionLines)
          findings.push(`${file.path}:${lineOf(source, node)} a function of ${length} lines`);
      });
      return findings;
    });
  },
  canaries: [
    {
      tree: { 'src/a.ts': `export function a() {\n${'  b();\n'.repeat(maxFunctionLines)}}` },
      rings: /a function of 72 lines/,
    },
  ],
  calm: { 'src/a.ts': `export class A {\n${'  b() {}\n'.repeat(maxFunctionLines + 9)}}` },
};
