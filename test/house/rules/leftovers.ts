/** Nothing stays behind: no notes to self, no focused tests, no paths of somebody's machine. */
import type { Rule, TextFile } from '../rule.ts';

interface Ban {
  readonly pattern: RegExp;
  readonly says: string;
}

// Written in pieces so that this file does not break its own rules.
const markers: readonly Ban[] = [
  {
    pattern: new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')})\\b`),
    says: 'a note to self: do it, or file it',
  },
];
const focus: readonly Ban[] = [
  { pattern: new RegExp(`\\b(it|test|describe|suite)\\.(on${'ly'})\\b`), says: 'a focused test hides the others' },
  { pattern: new RegExp(`\\b(it|test|describe|suite)\\.(sk${'ip'})\\(`), says: 'skip with skipIf and say why' },
];
const machinePaths: readonly Ban[] = [
  { pattern: /(?<![\w.~-])\/(?:work|root|home\/[a-z][\w-]*|Users\/\w+)\/(?!\*)/, says: 'a path of one machine' },
  { pattern: new RegExp(`['"\`]/t${'mp'}/`), says: 'a fixed temporary path: use os.tmpdir() and mkdtemp' },
];

const strangers: readonly Ban[] = [
  {
    pattern: new RegExp(`\\b(DE${'SIGN'}|ST${'YLE'})(\\.md|,? (section )?\\d| draws| says)`),
    says: 'names a page that is not in this repository: say the thing itself',
  },
  { pattern: new RegExp(`\\biss${'ue'} #?\\d`, 'i'), says: 'names a ticket: say the thing itself' },
];

export const noNotesToSelf: Rule = banRule('no leftover markers', markers, [
  { tree: { 'src/a.ts': `// ${'TO' + 'DO'}: later` }, rings: /a note to self/ },
  { tree: { 'docs/a.md': `${'X' + 'XX'} say more` }, rings: /a note to self/ },
]);

export const noFocusedTests: Rule = banRule('no focused or silently skipped tests', focus, [
  { tree: { 'test/a.test.ts': `it.on${'ly'}('a', () => {})` }, rings: /focused/ },
  { tree: { 'test/a.test.ts': `describe.sk${'ip'}('a', () => {})` }, rings: /say why/ },
]);

export const noPapersOutside: Rule = banRule('no reference to papers outside the repository', strangers, [
  { tree: { 'src/a.ts': `// as in DE${'SIGN'} 4.3` }, rings: /not in this repository/ },
  { tree: { 'docs/a.md': `see ${'is' + 'sue'} 12` }, rings: /names a ticket/ },
]);

export const noMachinePaths: Rule = banRule('no absolute machine paths', machinePaths, [
  { tree: { 'docs/a.md': `see ${'/wo' + 'rk'}/main` }, rings: /one machine/ },
  { tree: { 'src/a.ts': `const a = '${'/home' + '/ann'}/x';` }, rings: /one machine/ },
  { tree: { 'test/a.ts': `const a = "${'/t' + 'mp'}/x";` }, rings: /os\.tmpdir/ },
]);

function banRule(name: string, bans: readonly Ban[], canaries: Rule['canaries']): Rule {
  return {
    name,
    check: (files) => files.flatMap((file) => bans.flatMap((ban) => hits(file, ban))),
    canaries,
    calm: { 'src/a.ts': "// the worker's framework, homework/x, a hackathon, todos\nconst a = './work/x';" },
  };
}

function hits(file: TextFile, { pattern, says }: Ban): string[] {
  return file.text
    .split('\n')
    .flatMap((line, index) => (pattern.test(line) ? [`${file.path}:${index + 1} ${says}`] : []));
}
