/** The checkout's own text files: what git tracks or would, so that generated and ignored files are no concern of a rule. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { TextFile } from './rule.ts';

/** Paths from the root, sorted, of every file that is tracked or new and not ignored, and that exists. */
export function trackedPaths(...folders: string[]): string[] {
  const listed = execFileSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...folders],
    {
      encoding: 'utf8',
    },
  );
  return [...new Set(listed.split('\0'))].filter((path) => path !== '' && existsSync(path)).sort();
}

export function filesIn(folders: string[], extension: RegExp): TextFile[] {
  return trackedPaths(...folders)
    .filter((path) => extension.test(path))
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }));
}

export const sources = (): TextFile[] => filesIn(['src'], /\.ts$/);

/** All code of ours, whatever it is for; what must not compile is exempt, since it is wrong on purpose. */
export const allCode = (): TextFile[] =>
  filesIn(['src', 'test', 'bench', 'examples', 'scripts', 'vitest.config.ts'], /\.(ts|js|mjs|cjs|py|sh|erl)$/).filter(
    (file) => !/\/(fixtures|must-not-compile)\//.test(file.path),
  );

export const pages = (): TextFile[] => filesIn([], /\.md$/);
