/** docs/cli.md says what the help says. `UPDATE_DOCS=1 npx vitest run test/cli/reference.test.ts` writes it anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';

const PAGE = new URL('../../docs/cli.md', import.meta.url);
const BEGIN = '<!-- commands: generated -->\n';
const END = '<!-- end -->';

it('docs/cli.md shows the help of every command as it is', async () => {
  const page = readFileSync(PAGE, 'utf8');
  const start = page.indexOf(BEGIN) + BEGIN.length;
  const end = page.indexOf(END, start);
  expect(start).toBeGreaterThanOrEqual(BEGIN.length);
  expect(end).toBeGreaterThan(0);
  const sections = [];
  for (const entry of COMMANDS) {
    const help = (await entry.load()).help(entry);
    sections.push(`## pitwall ${entry.name}\n\n\`\`\`text\n${help}\n\`\`\`\n`);
  }
  const reference = `\n${sections.join('\n')}\n`;
  if (process.env.UPDATE_DOCS === '1') writeFileSync(PAGE, page.slice(0, start) + reference + page.slice(end));
  else expect(page.slice(start, end), 'UPDATE_DOCS=1 npx vitest run test/cli/reference.test.ts').toBe(reference);
});

it('every option says what it means, and every command has an example that calls it', async () => {
  for (const entry of COMMANDS) {
    const help = (await entry.load()).help(entry);
    const options = help.split('\n').filter((line) => line.startsWith('  --'));
    for (const line of options) expect(line, entry.name).toMatch(/^ {2}--[a-z-]+( [^ ].*?)? {2,}\S/);
    expect(help).toContain(`Examples:\n  pitwall ${entry.name}`);
  }
});
