/** The house rules of our docs. */
import { existsSync, readFileSync } from 'node:fs';
import { describe } from 'vitest';
import { testRule } from './rule.ts';
import {
  acceptanceIsTrue,
  changelogHasUnreleased,
  dependenciesAreExplained,
  everyPageIsListed,
  linksResolve,
} from './rules/docs.ts';
import { importsOf, packageOf } from './syntax.ts';
import { pages, sources } from './tree.ts';

const manifest: Record<'dependencies', Record<string, string>> = JSON.parse(readFileSync('package.json', 'utf8'));

describe('docs', () => {
  const all = pages();
  const exists = (path: string): boolean => existsSync(path);
  testRule(linksResolve(exists), all);
  testRule(everyPageIsListed, all);
  testRule(changelogHasUnreleased, all);
  testRule(acceptanceIsTrue(exists), all);

  const uses = sources().flatMap((file) =>
    importsOf(file)
      .filter(({ typeOnly }) => !typeOnly)
      .map(({ specifier }) => ({ path: file.path, name: packageOf(specifier) })),
  );
  const importers = (name: string): string[] => [
    ...new Set(uses.filter((use) => use.name === name).map((use) => use.path)),
  ];
  testRule(dependenciesAreExplained(Object.keys(manifest.dependencies), importers), all);
});
