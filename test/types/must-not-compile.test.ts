/**
 * Programs that a user must not get past the compiler. Each file in must-not-compile/ marks the lines that are wrong with
 * `// error: part of the message`; those lines must fail, saying that, and no other line may.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diagnose } from './compile.ts';

const folder = 'test/types/must-not-compile';
const paths = readdirSync(folder).map((name) => join(folder, name));

describe('what must not compile', () => {
  const said = diagnose(paths);

  it.each(paths)('%s', (path) => {
    const expected = readFileSync(path, 'utf8')
      .split('\n')
      .flatMap((text, index) => {
        const message = /\/\/ error: (.*)$/.exec(text)?.[1];
        return message === undefined ? [] : [{ line: index + 1, message }];
      });
    const actual = (said.get(path) ?? []).map((diagnostic) => ({ line: Number.parseInt(diagnostic, 10), diagnostic }));
    expect(expected.length).toBeGreaterThan(0);
    for (const { line, message } of expected) {
      expect(
        actual
          .filter((each) => each.line === line)
          .map((each) => each.diagnostic)
          .join(' | '),
        `line ${line}`,
      ).toContain(message);
    }
    const unexpected = actual.filter((each) => !expected.some(({ line }) => line === each.line));
    expect(unexpected).toEqual([]);
  });
});
