/** The rules and the dashboard as they ship. `prometheus.test.ts` puts them before a real Prometheus. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  DASHBOARD,
  dashboardQueries,
  dashboardSchema,
  exportedSeries,
  RULE_TESTS,
  RULES,
  readDashboard,
  seriesIn,
} from './files.ts';

const rules = readFileSync(RULES, 'utf8');
const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name ?? '');
const recorded = [...rules.matchAll(/- record: (\S+)/g)].map(([, name]) => name ?? '');
const known = new Set([...exportedSeries(), ...recorded]);

const promtool = spawnSync('promtool', ['--version']).status === 0;
if (!promtool) console.warn('SKIPPED: promtool is not installed (Debian: prometheus), the alert rules are not tested');

describe.skipIf(!promtool)('the alert rules', () => {
  it('pass promtool check rules', () => {
    const { status, stdout } = spawnSync('promtool', ['check', 'rules', RULES], { encoding: 'utf8' });
    expect(stdout).toContain(`${alerts.length + recorded.length} rules found`);
    expect(status).toBe(0);
  });

  it('pass promtool test rules: a calm host rings nothing, each trouble its own alert', () => {
    expect(testRules('monitoring').status).toBe(0);
  });

  it('fail it where a limit is moved, so that the tests would see that', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pitwall-rules-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    cpSync('monitoring', folder, { recursive: true });
    const moved = rules.replace('pitwall:failures:ratio > 0.05', 'pitwall:failures:ratio > 0.5');
    expect(moved).not.toBe(rules);
    writeFileSync(join(folder, 'prometheus-rules.yml'), moved);
    expect(testRules(folder).status).toBe(1);
  });
});

function testRules(folder: string) {
  return spawnSync('promtool', ['test', 'rules', 'prometheus-rules.test.yml'], { cwd: folder, encoding: 'utf8' });
}

describe('the alert rules', () => {
  it.each(alerts)('%s has a test, a severity, and says what to do', (name) => {
    expect(readFileSync(RULE_TESTS, 'utf8')).toContain(`alertname="${name}"`);
    const text = rules.split('- alert: ').find((each) => each.startsWith(`${name}\n`));
    expect(text).toMatch(/severity: (critical|warning|info) /);
    expect(text).toMatch(/summary: .+\n\s+description: .+/);
  });

  it('read what pitwall exports, and nothing else', () => {
    const expressions = rules.replaceAll(/^\s+(summary|description|#).*$/gm, '').replaceAll(/- record: \S+/g, '');
    expect(seriesIn(expressions).filter((name) => !known.has(name))).toEqual([]);
  });
});

describe('the dashboard', () => {
  it('is a dashboard to Grafana, its panels side by side and not over each other', () => {
    const { panels } = readDashboard();
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });

  it('would not pass for one with a panel that has no query', () => {
    const broken = JSON.parse(readFileSync(DASHBOARD, 'utf8'));
    broken.panels.find(({ type }: { type: string }) => type === 'stat').targets = [];
    expect(dashboardSchema.safeParse(broken).success).toBe(false);
  });

  it('draws what pitwall exports or the rules record, and every metric but what is of no use in a picture', () => {
    const drawn = new Set(dashboardQueries(readDashboard()).flatMap(({ query }) => seriesIn(query)));
    expect([...drawn].filter((name) => !known.has(name))).toEqual([]);
    const bases = new Set([...drawn, ...seriesIn(rules)].map((name) => name.replace(/_(bucket|sum|count)$/, '')));
    const missing = [...exportedSeries()].map((name) => name.replace(/_(bucket|sum|count)$/, ''));
    expect([...new Set(missing)].filter((name) => !bases.has(name))).toEqual([]);
  });
});
