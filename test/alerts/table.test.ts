/** The table of active alerts: deduplication, escalation, what is over by itself, and what a restart of the host leaves. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AlertContent, AlertTable } from '../../src/actors/adviser-alerts.ts';
import { ALERT_KINDS, type AlertKind } from '../../src/actors/adviser-kinds.ts';

const HOUR_MS = 3_600_000;

function content(kind: AlertKind, key: string = kind, severity: 'warning' | 'critical' = 'warning'): AlertContent {
  return { key, kind, severity, pool: 'ml', message: `${kind} it is`, comparison: { measured: 2, limit: 1 } };
}

describe('the table of alerts', () => {
  it('keeps one alert a key, counts, and tells once, and again when it becomes critical', () => {
    const table = new AlertTable();
    expect(table.raise(content('memory_pressure'), 10).raised).toBe('new');
    expect(table.raise(content('memory_pressure'), 20).raised).toBe('known');
    expect(table.raise(content('memory_pressure', 'memory_pressure', 'critical'), 30).raised).toBe('escalated');
    expect(table.raise(content('memory_pressure', 'memory_pressure', 'critical'), 40).raised).toBe('known');
    expect(table.active()).toEqual([expect.objectContaining({ firstAtMs: 10, lastAtMs: 40, count: 4 })]);
    expect(table.resolve('memory_pressure', 50)).toMatchObject({ count: 4, resolvedAtMs: 50 });
    expect(table.resolve('memory_pressure', 60)).toBeUndefined();
    expect(table.past()).toHaveLength(1);
    expect(table.tally()).toEqual([
      { kind: 'memory_pressure', severity: 'warning', active: 0 },
      { kind: 'memory_pressure', severity: 'critical', active: 0 },
    ]);
  });

  it('resolves all of a kind in a pool, and no other', () => {
    const table = new AlertTable();
    table.raise(content('drift', 'drift:ml:data_size'), 1);
    table.raise({ ...content('drift', 'drift:api:data_size'), pool: 'api' }, 2);
    table.raise(content('regression'), 3);
    expect(table.resolveAll('drift', 'ml', 4).map(({ key }) => key)).toEqual(['drift:ml:data_size']);
    expect(table.active()).toHaveLength(2);
  });

  it.each(Object.entries(ALERT_KINDS))('%s is over by itself when its kind says so, and not before', (kind, rule) => {
    const table = new AlertTable();
    table.raise(content(kind as AlertKind), 0); // a key of the table
    const quietMs = rule.quietMs ?? 100 * HOUR_MS;
    expect(table.expire(quietMs - 1)).toEqual([]);
    expect(table.expire(quietMs)).toHaveLength(rule.quietMs === undefined ? 0 : 1);
  });

  it.each(Object.entries(ALERT_KINDS))('%s after a restart of the host', (kind, { afterRestart }) => {
    const earlier = new AlertTable();
    earlier.raise(content(kind as AlertKind), 1000); // a key of the table
    const table = new AlertTable();
    const over = table.restore(earlier.toJson(), 2000);
    expect(over).toHaveLength(afterRestart === 'over' ? 1 : 0);
    expect(table.active().map(({ carriedOver, firstAtMs }) => ({ carriedOver, firstAtMs }))).toEqual(
      afterRestart === 'over' ? [] : [{ carriedOver: true, firstAtMs: 1000 }],
    );
    // Seen again it is confirmed, and known: nobody is told a second time.
    if (afterRestart !== 'over') expect(table.raise(content(kind as AlertKind), 3000).raised).toBe('known');
    expect(table.expire(2000 + 130_000)).toEqual([]);
    const unseen = new AlertTable();
    unseen.restore(earlier.toJson(), 2000);
    expect(unseen.expire(2000 + 120_000)).toHaveLength(afterRestart === 'confirm' ? 1 : 0);
  });

  it('takes nothing that is no alert from the store', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (stored) => {
        const table = new AlertTable();
        table.restore(JSON.parse(JSON.stringify(stored ?? null)), 0);
        expect(table.active()).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  it('is bounded: the one that was raised longest ago makes room, and is counted', () => {
    const table = new AlertTable(2);
    for (const [index, key] of ['a', 'b', 'a', 'c'].entries()) table.raise(content('regression', key), index);
    expect(table.active().map(({ key }) => key)).toEqual(['a', 'c']);
    expect(table.displaced).toBe(1);
  });
});
