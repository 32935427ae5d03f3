/** One stream of everything, for a post-mortem: how the runtime stands, what is wrong, and all that is stored. */
import type { Alert } from '../actors/adviser.ts';
import type { PolicyVersion } from '../actors/policy-history.ts';
import { PitwallError } from '../errors.ts';
import { exportStore } from '../metrics/exchange/exchange.ts';
import type { MetricsStore, RecordsQuery } from '../metrics/store-types.ts';

export interface StateExportOptions {
  /** Which records; `false`: none, the state alone. Default all. */
  readonly records?: Omit<RecordsQuery, 'reverse'> | false | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is asked of the running parts; what is down is left out, and named. */
export interface StateSources {
  readonly store: () => MetricsStore | undefined;
  readonly flush: () => Promise<unknown>;
  readonly status: () => object;
  readonly pools: () => readonly object[];
  readonly refusals: () => object;
  readonly alerts: () => Promise<readonly Alert[]>;
  readonly policies: () => Promise<readonly (readonly [pool: string, versions: readonly PolicyVersion[]])[]>;
  readonly nowMs: () => number;
}

/**
 * JSON lines as `pitwall export` writes them, and `pitwall import` takes them: after the first line one of `type: "state"` (status, pools, refusals), one of
 * `type: "alert"` for each active alert, then records, thresholds, policies with their history, models, baselines, experiments, events.
 */
export async function* exportState(
  sources: StateSources,
  { records, signal }: StateExportOptions,
): AsyncGenerator<Uint8Array> {
  const missing: string[] = [];
  const ask = async <T>(what: string, question: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await question();
    } catch {
      missing.push(what);
      return undefined;
    }
  };
  await ask('the latest records', sources.flush);
  const alerts = (await ask('alerts', sources.alerts)) ?? [];
  const policies = (await ask('policies', sources.policies)) ?? [];
  const store = sources.store();
  if (store === undefined) throw new PitwallError('PITWALL_STORE_UNAVAILABLE', 'the store is not open');
  const state = {
    type: 'state',
    atMs: sources.nowMs(),
    ...{ status: sources.status(), pools: sources.pools(), refusals: sources.refusals() },
    policies: Object.fromEntries(policies),
    missing,
  };
  const own = [state, ...alerts.map((alert) => ({ type: 'alert', ...alert }))].map(
    (line) => `${JSON.stringify(line)}\n`,
  );
  const query = records === false ? { limit: 0 } : records;
  const stored = exportStore(store, {
    format: 'jsonl',
    ...(query && { records: query }),
    ...(signal && { signal }),
  });
  let first = true;
  for await (const bytes of stored) {
    yield bytes;
    // The first line says what the file is.
    if (first) yield Buffer.from(own.join(''));
    first = false;
  }
}
