import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ATTRIBUTES, type AttributeKey, EVENTS, LOGS, METRICS, SPANS } from '../../src/telemetry/names.ts';

const PAGE = new URL('../../docs/telemetry.md', import.meta.url);

const named = (keys: readonly AttributeKey[]): string => keys.map((key) => `\`${ATTRIBUTES[key].name}\``).join(', ');

const TABLES: Record<string, string[]> = {
  metrics: [
    '| metric | kind | unit | meaning | attributes |',
    '|---|---|---|---|---|',
    ...Object.values(METRICS).map(
      (doc) =>
        `| \`${doc.name}\` | ${doc.instrument} | \`${doc.unit}\` | ${doc.description.replaceAll('|', '\\|')} | ${named(doc.attributes)} |`,
    ),
  ],
  spans: [
    '| span | meaning | attributes |',
    '|---|---|---|',
    ...Object.values(SPANS).map((doc) => `| \`${doc.name}\` | ${doc.description} | ${named(doc.attributes)} |`),
  ],
  events: [
    '| event | meaning | attributes |',
    '|---|---|---|',
    ...Object.values(EVENTS).map((doc) => `| \`${doc.name}\` | ${doc.description} | ${named(doc.attributes)} |`),
  ],
  logs: [
    '| log record | meaning | attributes |',
    '|---|---|---|',
    ...Object.values(LOGS).map((doc) => `| \`${doc.name}\` | ${doc.description} | ${named(doc.attributes)} |`),
  ],
  attributes: [
    '| attribute | meaning |',
    '|---|---|',
    ...Object.values(ATTRIBUTES).map((doc) => `| \`${doc.name}\` | ${doc.description} |`),
  ],
};

/** The tables of the page come from the names. `UPDATE_DOCS=1 npx vitest run test/telemetry/reference.test.ts` writes them anew. */
it.each(Object.entries(TABLES))('docs/telemetry.md lists all %s as they are', (section, rows) => {
  const page = readFileSync(PAGE, 'utf8');
  const begin = `<!-- ${section}: generated -->\n`;
  const start = page.indexOf(begin) + begin.length;
  const end = page.indexOf('<!-- end -->', start);
  expect(start).toBeGreaterThanOrEqual(begin.length);
  const table = `${rows.join('\n')}\n`;
  if (process.env.UPDATE_DOCS === '1') writeFileSync(PAGE, page.slice(0, start) + table + page.slice(end));
  else expect(page.slice(start, end)).toBe(table);
});

describe('names', () => {
  it('are told once each', () => {
    const all = [...Object.values(METRICS), ...Object.values(SPANS), ...Object.values(EVENTS)].map((doc) => doc.name);
    expect(new Set(all).size).toBe(all.length);
    const attributes = Object.values(ATTRIBUTES).map((doc) => doc.name);
    expect(new Set(attributes).size).toBe(attributes.length);
  });
});
