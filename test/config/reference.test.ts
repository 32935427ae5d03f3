import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { z } from 'zod';
import { fieldDocs } from '../../src/config/fields.ts';
import { policyFields, runtimeFields, telemetryFields, webhookFields } from '../../src/config/schema.ts';

const PAGE = new URL('../../docs/configuration.md', import.meta.url);

/** The tables of the page come from the schema. `UPDATE_DOCS=1 npx vitest run test/config/reference.test.ts` writes them anew. */
it.each<[string, Readonly<Record<string, z.ZodType>>]>([
  ['runtime', runtimeFields],
  ['pool', policyFields],
  ['telemetry', telemetryFields],
  ['webhook', webhookFields],
])('docs/configuration.md lists the %s keys as they are', (section, fields) => {
  const page = readFileSync(PAGE, 'utf8');
  const begin = `<!-- ${section}: generated -->\n`;
  const start = page.indexOf(begin) + begin.length;
  const end = page.indexOf('<!-- end -->', start);
  expect(start).toBeGreaterThanOrEqual(begin.length);
  const table = renderTable(fields);
  if (process.env.UPDATE_DOCS === '1') writeFileSync(PAGE, page.slice(0, start) + table + page.slice(end));
  else expect(page.slice(start, end)).toBe(table);
});

function renderTable(fields: Readonly<Record<string, z.ZodType>>): string {
  const rows = Object.entries(fields).map(([key, schema]) => {
    const doc = fieldDocs.get(schema);
    expect(doc, key).toBeDefined();
    return `| \`${key}\` | ${doc?.standard} | ${doc?.accepted} | ${doc?.description} |`;
  });
  return ['| key | default | accepted | meaning |', '|---|---|---|---|', ...rows, ''].join('\n');
}
