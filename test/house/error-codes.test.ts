/** Every error code of the tree stands in docs/errors.md, and every code that stands there is in the tree. */
import { describe } from 'vitest';
import { tableRows } from './markdown.ts';
import { type Rule, type TextFile, testRule } from './rule.ts';
import { pages, sources } from './tree.ts';

const PAGE = 'docs/errors.md';

const errorCodesAreListed: Rule = {
  name: `${PAGE} lists every error code, once`,
  check(files) {
    const page = files.find((file) => file.path === PAGE);
    if (page === undefined) return [`${PAGE} is missing`];
    const listed = listedCodes(page);
    const used = usedCodes(files.filter((file) => file.path.startsWith('src/')));
    const twice = listed.filter((row, index) => listed.findIndex((other) => other.code === row.code) !== index);
    return [
      ...[...used]
        .filter(([code]) => !listed.some((row) => row.code === code))
        .map(([code, place]) => `${place} ${code} is not listed: add its row to ${PAGE}`),
      ...listed
        .filter((row) => !used.has(row.code))
        .map((row) => `${PAGE}:${row.line} ${row.code} is thrown by nobody: take its row out`),
      ...twice.map((row) => `${PAGE}:${row.line} ${row.code} is listed already`),
      ...listed
        .filter((row) => !row.told)
        .map((row) => `${PAGE}:${row.line} ${row.code}: say when it comes and what to do`),
    ];
  },
  canaries: [
    {
      tree: { [PAGE]: '', 'src/a.ts': "throw new PitwallError('PITWALL_NEW', '');" },
      rings: /src\/a\.ts:1 PITWALL_NEW is not listed/,
    },
    {
      tree: { [PAGE]: table('PITWALL_OLD'), 'src/a.ts': '/** Throws PITWALL_OLD. */' },
      rings: /PITWALL_OLD is thrown by nobody/,
    },
    {
      tree: { [PAGE]: `${table('PITWALL_A')}\n\n${table('PITWALL_A')}`, 'src/a.ts': "f('PITWALL_A')" },
      rings: /listed already/,
    },
    {
      tree: { [PAGE]: '|code|class|when|do|\n|-|-|-|-|\n|`PITWALL_A`|`E`|||', 'src/a.ts': "f('PITWALL_A')" },
      rings: /say when/,
    },
    { tree: { 'src/a.ts': '' }, rings: /missing/ },
  ],
  calm: {
    [PAGE]: table('PITWALL_A'),
    'src/a.ts': "const code: 'PITWALL_A' = 'PITWALL_A';",
    'src/b.ts': 'f(process.env.PITWALL_HOME)',
  },
};

describe('error codes', () => {
  testRule(errorCodesAreListed, [...sources(), ...pages()]);
});

/** Codes as string literals; a mention in a comment is no use. Code -> where it is first used. */
function usedCodes(files: readonly TextFile[]): Map<string, string> {
  const used = new Map<string, string>();
  for (const file of files) {
    for (const [index, line] of file.text.split('\n').entries()) {
      for (const [, code = ''] of line.matchAll(/['"](PITWALL_[A-Z0-9_]+)['"]/g)) {
        if (!used.has(code)) used.set(code, `${file.path}:${index + 1}`);
      }
    }
  }
  return used;
}

function listedCodes(page: TextFile): { code: string; line: number; told: boolean }[] {
  return tableRows(page).flatMap(({ cells, line }) => {
    const code = /^`(PITWALL_[A-Z0-9_]+)`$/.exec(cells[0] ?? '')?.[1];
    const told = cells.length === 4 && cells.every((cell) => cell !== '');
    return code === undefined ? [] : [{ code, line, told }];
  });
}

function table(code: string): string {
  return `|code|class|when|what to do|\n|-|-|-|-|\n|\`${code}\`|\`E\`|Once.|Nothing.|`;
}
