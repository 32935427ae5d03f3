/**
 * The shape of a house rule, and how one is tested: on the tree, where it must find nothing, and on its own canaries, where it must
 * ring. A rule that cannot fail is no rule.
 */
import { expect, it } from 'vitest';

/** A file as a rule sees it: its path from the checkout's root with forward slashes, and its text. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

export interface Canary {
  /** A tree that breaks the rule, as path -> text. */
  readonly tree: Readonly<Record<string, string>>;
  /** What the finding must say. */
  readonly rings: RegExp;
}

export interface Rule {
  readonly name: string;
  /** One line a finding: `path:line what is wrong, and what to write instead`. */
  check(files: readonly TextFile[]): string[];
  readonly canaries: readonly Canary[];
  /** A tree that looks suspicious and is fine. */
  readonly calm?: Readonly<Record<string, string>>;
}

/** Declares the tests of one rule. */
export function testRule(rule: Rule, files: readonly TextFile[]): void {
  it(`${rule.name}: the tree keeps it`, () => {
    expect(rule.check(files)).toEqual([]);
  });
  it(`${rule.name}: it rings`, () => {
    for (const canary of rule.canaries) {
      const findings = rule.check(treeOf(canary.tree));
      expect(
        findings.some((finding) => canary.rings.test(finding)),
        `${canary.rings} in ${JSON.stringify(findings)} for ${JSON.stringify(canary.tree)}`,
      ).toBe(true);
    }
    if (rule.calm !== undefined) expect(rule.check(treeOf(rule.calm))).toEqual([]);
  });
}

function treeOf(tree: Readonly<Record<string, string>>): TextFile[] {
  return Object.entries(tree).map(([path, text]) => ({ path, text }));
}
