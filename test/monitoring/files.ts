/** The shipped files, and the queries in them. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ATTRIBUTES, METRICS } from '../../src/telemetry/names.ts';

export const RULES = 'monitoring/prometheus-rules.yml';
export const RULE_TESTS = 'monitoring/prometheus-rules.test.yml';
export const DASHBOARD = 'monitoring/grafana-dashboard.json';

// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's way to name a variable
const datasource = z.strictObject({ type: z.literal('prometheus'), uid: z.literal('${datasource}') });
const gridPos = z.strictObject({
  x: z.int().min(0).max(23),
  y: z.int().min(0),
  w: z.int().min(1).max(24),
  h: z.int().min(1),
});
const target = z.strictObject({
  refId: z.string().regex(/^[A-Z]$/),
  datasource,
  expr: z.string().min(1),
  legendFormat: z.string(),
  format: z.literal('heatmap').optional(),
});
const shared = { id: z.int().min(1), title: z.string().min(1), gridPos };
const panel = z.discriminatedUnion('type', [
  z.strictObject({ ...shared, type: z.literal('row'), collapsed: z.literal(false), panels: z.tuple([]) }),
  z.strictObject({
    ...shared,
    type: z.enum(['timeseries', 'stat', 'heatmap']),
    description: z.string(),
    datasource,
    targets: z.array(target).min(1),
    fieldConfig: z.strictObject({ defaults: z.record(z.string(), z.unknown()), overrides: z.tuple([]) }),
    options: z.record(z.string(), z.unknown()),
  }),
]);
const variable = z.object({
  name: z.string().regex(/^\w+$/),
  label: z.string(),
  type: z.enum(['datasource', 'query']),
  query: z.union([z.literal('prometheus'), z.strictObject({ query: z.string(), refId: z.string() })]),
});

/** What Grafana's dashboard model (schema version 38) asks of what we use of it. */
export const dashboardSchema = z.object({
  title: z.string().min(1),
  uid: z.string().regex(/^[\w-]{1,40}$/),
  schemaVersion: z.literal(38),
  editable: z.boolean(),
  tags: z.array(z.string()),
  time: z.strictObject({ from: z.string(), to: z.string() }),
  refresh: z.string(),
  templating: z.strictObject({ list: z.array(variable) }),
  annotations: z.strictObject({ list: z.array(z.unknown()) }),
  panels: z.array(panel).min(1),
});

export type Dashboard = z.infer<typeof dashboardSchema>;

export function readDashboard(): Dashboard {
  return dashboardSchema.parse(JSON.parse(readFileSync(DASHBOARD, 'utf8')));
}

/** Every query of the dashboard as Grafana would send it, all choices left at "All". */
export function dashboardQueries({ panels, templating }: Dashboard): { title: string; query: string }[] {
  const drawn = panels.flatMap((each) =>
    each.type === 'row' ? [] : each.targets.map(({ expr }) => ({ title: each.title, query: expr })),
  );
  const chosen = templating.list.flatMap(({ name, query }) =>
    typeof query === 'string'
      ? []
      : [{ title: `variable ${name}`, query: /^label_values\((.*), \w+\)$/.exec(query.query)?.[1] ?? '' }],
  );
  return [...drawn, ...chosen].map(({ title, query }) => ({
    title,
    query: query.replaceAll('$__rate_interval', '1m').replaceAll(/\$(job|instance|pool)\b/g, '.*'),
  }));
}

/**
 * What the clauses of an alert compare with their limits. Where an alert waits for something to be absent, that something; where it looks for what a
 * host that is well never reports (a critical alert, a failed training), all of the metric.
 */
export function comparedQueries(alert: string): string[] {
  return alert
    .split(/\b(?:and|unless)\b(?: on \([^)]*\))?/)
    .map((clause) => clause.trim().replace(/\s*(?:==|>=|<=|>|<)\s*-?[\d.]+$/, ''))
    .map((clause) =>
      clause.replace(/(pitwall_alert_severity|pitwall_training_outcome)="(critical|failed)"/, '$1=~".+"'),
    )
    .map((clause) => /^absent\((.*)\)$/.exec(clause)?.[1] ?? clause);
}

/** Series that a query reads: names of pitwall's, its labels left out. */
export function seriesIn(query: string): string[] {
  const labels = new Set<string>(Object.values(ATTRIBUTES).map(({ name }) => name.replaceAll('.', '_')));
  const names = query.replaceAll(/"[^"]*"/g, '').match(/\bpitwall[_:][a-z0-9_:]+/g) ?? [];
  return [...new Set(names)].filter((name) => !labels.has(name));
}

/** Series of all metrics, as the exporter names them. */
export function exportedSeries(): Set<string> {
  return new Set(
    Object.values(METRICS).flatMap(({ name, instrument }) => {
      const base = name.replaceAll('.', '_');
      if (instrument === 'histogram') return [`${base}_bucket`, `${base}_sum`, `${base}_count`];
      return [instrument === 'counter' ? `${base}_total` : base];
    }),
  );
}
