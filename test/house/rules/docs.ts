/** The docs keep their promises: links resolve, every page is listed, rows of acceptance name tests that exist. */
import { posix } from 'node:path';
import { anchors, links, tableRows } from '../markdown.ts';
import type { Rule, TextFile } from '../rule.ts';

/** `exists` answers for files that are no pages: sources, tests, folders. */
export function linksResolve(exists: (path: string) => boolean): Rule {
  return {
    name: 'every link of a page resolves',
    check(files) {
      const pages = new Map(files.map((file) => [file.path, file]));
      return files.flatMap((file) =>
        links(file)
          .filter(({ target }) => !/^(https?|mailto):/.test(target))
          .flatMap(({ target, line }) => {
            const [path = '', anchor] = target.split('#');
            const full = path === '' ? file.path : posix.join(posix.dirname(file.path), path);
            const page = pages.get(full);
            if (full.startsWith('..')) return [`${file.path}:${line} ${target} leads out of the package`];
            if (page === undefined && !exists(full)) return [`${file.path}:${line} ${target} leads nowhere`];
            if (anchor === undefined || page === undefined || anchors(page).has(anchor)) return [];
            return [`${file.path}:${line} ${target}: that page has no such heading`];
          }),
      );
    },
    canaries: [
      { tree: { 'docs/a.md': 'see [b](b.md)' }, rings: /b\.md leads nowhere/ },
      { tree: { 'docs/a.md': 'see [b](../../b.md)' }, rings: /out of the package/ },
      { tree: { 'docs/a.md': '[b](#what-else)\n# What\n```\n# What else\n```' }, rings: /no such heading/ },
      { tree: { 'docs/a.md': '[b]: c.md' }, rings: /c\.md leads nowhere/ },
    ],
    calm: {
      'docs/a.md': '[b](b.md#a-b-c) [self](#a) [out](https://example.org/x)\n`[x](y.md)`\n# A\n```md\n[z](z.md)\n```',
      'docs/b.md': '## A, `b`: C',
    },
  };
}

export const everyPageIsListed: Rule = {
  name: 'docs/README.md lists every page',
  check(files) {
    const index = files.find((file) => file.path === 'docs/README.md');
    if (index === undefined) return ['docs/README.md is missing'];
    const listed = new Set(links(index).map(({ target }) => posix.join('docs', target.split('#')[0] ?? '')));
    return files
      .filter((file) => file.path.startsWith('docs/') && file !== index && !listed.has(file.path))
      .map((file) => `${file.path}:1 is not listed in docs/README.md`);
  },
  canaries: [
    { tree: { 'docs/README.md': '[a](a.md)', 'docs/a.md': '', 'docs/b.md': '' }, rings: /docs\/b\.md:1 is not listed/ },
    { tree: { 'docs/a.md': '' }, rings: /missing/ },
  ],
  calm: {
    'docs/README.md': '[a](a.md#x) [b](internals/b.md)',
    'docs/a.md': '',
    'docs/internals/b.md': '',
    'README.md': '',
  },
};

export const changelogHasUnreleased: Rule = {
  name: 'CHANGELOG.md opens with what is not released yet',
  check(files) {
    const changelog = files.find((file) => file.path === 'CHANGELOG.md');
    const first = changelog === undefined ? undefined : /^## (.*)$/m.exec(changelog.text)?.[1];
    return first === 'Unreleased' ? [] : [`CHANGELOG.md: its first section is ${first ?? 'missing'}, not Unreleased`];
  },
  canaries: [
    { tree: { 'CHANGELOG.md': '# Changelog\n\n## 0.1.0' }, rings: /first section is 0\.1\.0/ },
    { tree: { 'README.md': '' }, rings: /missing/ },
  ],
  calm: { 'CHANGELOG.md': '# Changelog\n\n## Unreleased\n\n## 0.1.0' },
};

/** The rows of the acceptance list, so that none falls off the page. */
const acceptanceRows: Readonly<Record<string, readonly number[]>> = {
  T: range(1, 6),
  M: range(1, 8),
  C: range(1, 6),
  L: range(1, 10),
  O: range(1, 7),
  P: range(1, 5),
  R: range(1, 3),
  S: range(1, 9),
  X: range(1, 7),
  A: range(1, 2),
  D: range(1, 4),
  V: range(1, 4),
  F: range(1, 5),
  N: range(1, 1),
};

/** Every row stands on the page once, with tests or benchmarks that exist, or says `not yet`. */
export function acceptanceIsTrue(exists: (path: string) => boolean): Rule {
  return {
    name: 'docs/acceptance.md lists every row, and what it names exists',
    check(files) {
      const page = files.find((file) => file.path === 'docs/acceptance.md');
      if (page === undefined) return ['docs/acceptance.md is missing'];
      const rows = new Map<string, { shown: string; line: number }[]>();
      for (const { cells, line } of tableRows(page)) {
        const id = cells[0] ?? '';
        rows.set(id, [...(rows.get(id) ?? []), { shown: cells[2] ?? '', line }]);
      }
      return expectedIds().flatMap((id) => findingsOfRow(id, rows.get(id) ?? [], exists));
    },
    canaries: [
      {
        tree: { 'docs/acceptance.md': '| id | what | shown by |\n|---|---|---|\n| T1 | a | not yet |' },
        rings: /T2: 0 rows/,
      },
      {
        tree: { 'docs/acceptance.md': acceptancePage('`test/gone.test.ts`') },
        rings: /T1: test\/gone\.test\.ts does not exist/,
      },
      { tree: { 'docs/acceptance.md': acceptancePage('certainly') }, rings: /T1: names no test/ },
    ],
    calm: { 'docs/acceptance.md': acceptancePage('not yet') },
  };
}

function findingsOfRow(
  id: string,
  rows: readonly { shown: string; line: number }[],
  exists: (path: string) => boolean,
): string[] {
  const [row] = rows;
  if (row === undefined || rows.length > 1) return [`docs/acceptance.md: ${id}: ${rows.length} rows`];
  const where = `docs/acceptance.md:${row.line} ${id}:`;
  const named = [...row.shown.matchAll(/`((?:test|bench)\/[^`]+)`/g)].map((match) => match[1] ?? '');
  if (named.length === 0 && !/\bnot yet\b/.test(row.shown))
    return [`${where} names no test and does not say "not yet"`];
  return named.filter((path) => !exists(path)).map((path) => `${where} ${path} does not exist`);
}

function expectedIds(): string[] {
  return Object.entries(acceptanceRows).flatMap(([letter, numbers]) => numbers.map((number) => `${letter}${number}`));
}

function acceptancePage(shownBy: string): string {
  return ['| id | what | shown by |', '|---|---|---|', ...expectedIds().map((id) => `| ${id} | a | ${shownBy} |`)].join(
    '\n',
  );
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** Each dependency has its row: why it is there, what happens without it, the file that wraps it; and only that folder imports it. */
export function dependenciesAreExplained(
  dependencies: readonly string[],
  importers: (name: string) => readonly string[],
): Rule {
  return {
    name: 'docs/dependencies.md explains every run-time dependency',
    check(files) {
      const page = files.find((file) => file.path === 'docs/dependencies.md');
      if (page === undefined) return ['docs/dependencies.md is missing'];
      return dependencies.flatMap((name) => explained(page, name, importers(name)));
    },
    canaries: [{ tree: { 'docs/dependencies.md': '| x | y | z | w |' }, rings: /is not explained/ }],
  };
}

function explained(page: TextFile, name: string, importers: readonly string[]): string[] {
  const row = tableRows(page).find(({ cells }) => cells[0] === `\`${name}\``);
  if (row === undefined) return [`docs/dependencies.md: ${name} is not explained`];
  const [, reason = '', without = '', wrappers = ''] = row.cells;
  const where = `docs/dependencies.md:${row.line} ${name}:`;
  if (reason === '' || without === '') return [`${where} say why it is there and what happens without it`];
  const named = [...wrappers.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
  return [
    ...(importers.length === 0 && !/\bnot yet\b/.test(wrappers) ? [`${where} nothing imports it`] : []),
    ...importers
      .filter(
        (path) => !named.some((wrapper) => path === wrapper || (wrapper.endsWith('/') && path.startsWith(wrapper))),
      )
      .map((path) => `${where} ${path} imports it too: go through ${named.join(', ') || 'a file that wraps it'}`),
  ];
}
