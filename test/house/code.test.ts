/** The house rules of our code. Each rule's file says what it wants and why, and holds the canaries it must ring on. */
import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { testRule } from './rule.ts';
import { importDirection, noCircles } from './rules/direction.ts';
import { noFocusedTests, noMachinePaths, noNotesToSelf, noPapersOutside } from './rules/leftovers.ts';
import { noBarrels, noDeadFiles, onlyDeclaredPackages, specifiersCarryExtensions } from './rules/modules.ts';
import { noClockOrChance, noModuleState, pureCoreImportsNothingImpure } from './rules/purity.ts';
import { filesAreShort, functionsFitAScreen, longFiles } from './rules/size.ts';
import { typesAreNotSilenced } from './rules/typescript.ts';
import { allCode, pages, sources, trackedPaths } from './tree.ts';

const manifest: Record<'dependencies' | 'peerDependencies', Record<string, string>> = JSON.parse(
  readFileSync('package.json', 'utf8'),
);

describe('imports', () => {
  const src = sources();
  testRule(importDirection, src);
  testRule(noCircles, src);
  testRule(specifiersCarryExtensions, src);
  testRule(onlyDeclaredPackages(Object.keys(manifest.dependencies), Object.keys(manifest.peerDependencies)), src);
  testRule(noBarrels, src);
  testRule(noDeadFiles, src);
});

describe('the pure core', () => {
  const src = sources();
  testRule(noClockOrChance, src);
  testRule(pureCoreImportsNothingImpure, src);
  testRule(noModuleState, src);
});

describe('types', () => {
  testRule(typesAreNotSilenced, sources());
});

describe('size', () => {
  const code = allCode();
  testRule(filesAreShort, code);
  testRule(functionsFitAScreen, sources());

  it('tells which files grow', () => {
    for (const line of longFiles(code)) console.info(`grows: ${line}`);
  });

  it('keeps blobs out of git', () => {
    // What real OTP printed for thousands of scenarios: large, but text, and the judge of pitwall/otp.
    const known = /^test\/otp\/fixtures\/[\w.]+\.jsonl$/;
    const blobs = trackedPaths().filter((path) => statSync(path).size > (known.test(path) ? 8_000_000 : 1_000_000));
    expect(blobs).toEqual([]);
  });
});

describe('leftovers', () => {
  const texts = [...allCode(), ...pages()];
  testRule(noNotesToSelf, texts);
  testRule(noFocusedTests, allCode());
  testRule(noPapersOutside, texts);
  testRule(noMachinePaths, texts);
});
