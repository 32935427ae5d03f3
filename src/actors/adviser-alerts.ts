/**
 * The alerts that are active: one per key, raised again while it lasts, over when somebody says so or it has been quiet for long enough. Like the
 * timeline it belongs to no actor: the adviser alone writes, and a crash of the adviser loses nothing.
 */
import type { JsonValue } from '../learning/types.ts';
import { type AlertKind, isAlertKind, ruleOf } from './adviser-kinds.ts';

/** What is said of a problem by whoever found it. */
export interface AlertContent {
  /** One alert per key is active at a time. */
  readonly key: string;
  readonly kind: AlertKind;
  readonly severity: 'warning' | 'critical';
  readonly pool: string | undefined;
  /** What happened, what it means, what to do: one sentence each. */
  readonly message: string;
  /** The figures behind it, such as measured against limit, or now against the baseline. */
  readonly comparison?: Readonly<Record<string, JsonValue>> | undefined;
  /** What probably made it happen, where there is evidence. */
  readonly likelyCause?: string | undefined;
  /** Where to look first. */
  readonly lookAt?: string | undefined;
}

export interface Alert extends AlertContent {
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  /** How often it was raised. */
  readonly count: number;
  /** Of an earlier run of the host, and not seen yet in this one. */
  readonly carriedOver: boolean;
}

/** An alert that is over. */
export interface PastAlert extends Alert {
  readonly resolvedAtMs: number;
}

export interface AlertTally {
  readonly kind: AlertKind;
  readonly severity: Alert['severity'];
  readonly active: number;
}

/** What a raised alert is: new, worse than it was, or known. */
export type Raised = 'new' | 'escalated' | 'known';

const DEFAULT_LIMIT = 256;
const PAST_KEPT = 64;
const CONFIRM_MS = 120_000;
const LONGEST_TEXT = 4_096;

export class AlertTable {
  readonly #limit: number;
  readonly #active = new Map<string, Alert>();
  /** Alerts of an earlier run that are over unless seen again until then. */
  readonly #confirmBy = new Map<string, number>();
  readonly #past: PastAlert[] = [];
  readonly #seen = new Map<string, { readonly kind: AlertKind; readonly severity: Alert['severity'] }>();
  #dirty = false;
  /** Whether what an earlier run left was taken: what is stored must not be overwritten unread, nor taken twice. */
  restored = false;
  /** Alerts that made room for others. */
  displaced = 0;

  /** @param limit active alerts kept; beyond it the one that was raised longest ago goes. Default 256. */
  constructor(limit = DEFAULT_LIMIT) {
    this.#limit = limit;
  }

  /** In order of their first time. */
  active(): Alert[] {
    return [...this.#active.values()].sort((a, b) => a.firstAtMs - b.firstAtMs);
  }

  /** The last that are over, newest first. */
  past(): PastAlert[] {
    return [...this.#past].reverse();
  }

  /** Active alerts by kind and severity, with 0 for those that were seen and are over. */
  tally(): AlertTally[] {
    const counts = new Map<string, number>();
    for (const alert of this.#active.values()) counts.set(tallyKey(alert), (counts.get(tallyKey(alert)) ?? 0) + 1);
    return [...this.#seen].map(([key, { kind, severity }]) => ({ kind, severity, active: counts.get(key) ?? 0 }));
  }

  raise(content: AlertContent, atMs: number): { readonly raised: Raised; readonly alert: Alert } {
    const known = this.#active.get(content.key);
    const escalated = known?.severity === 'warning' && content.severity === 'critical';
    const alert: Alert = {
      ...content,
      message: content.message.slice(0, LONGEST_TEXT),
      firstAtMs: known?.firstAtMs ?? atMs,
      lastAtMs: atMs,
      count: (known?.count ?? 0) + 1,
      carriedOver: false,
    };
    this.#put(alert);
    this.#confirmBy.delete(alert.key);
    return { raised: known === undefined ? 'new' : escalated ? 'escalated' : 'known', alert };
  }

  /** @returns the alert that is over; undefined where none was active */
  resolve(key: string, atMs: number): PastAlert | undefined {
    const alert = this.#active.get(key);
    if (alert === undefined) return undefined;
    this.#active.delete(key);
    this.#confirmBy.delete(key);
    this.#dirty = true;
    const past = { ...alert, resolvedAtMs: atMs };
    this.#past.push(past);
    if (this.#past.length > PAST_KEPT) this.#past.shift();
    return past;
  }

  /** All of a kind in a pool. */
  resolveAll(kind: AlertKind, pool: string | undefined, atMs: number): PastAlert[] {
    const over = this.active().filter((alert) => alert.kind === kind && alert.pool === pool);
    return over.flatMap(({ key }) => this.resolve(key, atMs) ?? []);
  }

  /** Ends what has been quiet for as long as its kind says, and what an earlier run left and nobody saw again. */
  expire(atMs: number): PastAlert[] {
    const over = this.active().filter(({ key, kind, lastAtMs }) => {
      const quietMs = ruleOf(kind).quietMs ?? Number.POSITIVE_INFINITY;
      const confirmBy = this.#confirmBy.get(key) ?? Number.POSITIVE_INFINITY;
      return atMs - lastAtMs >= quietMs || atMs >= confirmBy;
    });
    return over.flatMap(({ key }) => this.resolve(key, atMs) ?? []);
  }

  /** Whether anything changed since the last call. */
  takeDirty(): boolean {
    const dirty = this.#dirty;
    this.#dirty = false;
    return dirty;
  }

  toJson(): JsonValue {
    return JSON.parse(JSON.stringify([...this.#active.values()]));
  }

  /**
   * Takes what an earlier run of the host left behind. What is active already is newer. @returns alerts of that run that ended with it
   */
  restore(stored: JsonValue | undefined, atMs: number): PastAlert[] {
    const over: PastAlert[] = [];
    for (const entry of Array.isArray(stored) ? stored : []) {
      const alert = readAlert(entry);
      if (alert === undefined || this.#active.has(alert.key)) continue;
      const { afterRestart } = ruleOf(alert.kind);
      if (afterRestart === 'over') {
        over.push({ ...alert, resolvedAtMs: atMs });
        continue;
      }
      this.#put({ ...alert, carriedOver: true });
      if (afterRestart === 'confirm') this.#confirmBy.set(alert.key, atMs + CONFIRM_MS);
    }
    this.#past.push(...over);
    this.#past.splice(0, Math.max(0, this.#past.length - PAST_KEPT));
    this.restored = true;
    this.#dirty = true;
    return over;
  }

  #put(alert: Alert): void {
    // Anew at the end: the first of the map is the one that was raised longest ago.
    this.#active.delete(alert.key);
    this.#active.set(alert.key, alert);
    this.#seen.set(tallyKey(alert), alert);
    this.#dirty = true;
    if (this.#active.size <= this.#limit) return;
    const oldest = this.#active.keys().next().value;
    if (oldest !== undefined) this.#active.delete(oldest);
    this.displaced += 1;
  }
}

function tallyKey({ kind, severity }: Pick<Alert, 'kind' | 'severity'>): string {
  return `${kind} ${severity}`;
}

function readAlert(entry: JsonValue): Alert | undefined {
  if (typeof entry !== 'object' || entry === null || !('key' in entry)) return undefined;
  const { key, kind, severity, pool, message, comparison, likelyCause, lookAt, firstAtMs, lastAtMs, count } = entry;
  if (typeof key !== 'string' || !isAlertKind(kind) || typeof message !== 'string') return undefined;
  if (severity !== 'warning' && severity !== 'critical') return undefined;
  if (typeof firstAtMs !== 'number' || typeof lastAtMs !== 'number' || typeof count !== 'number') return undefined;
  return {
    ...{ key, kind, severity, message, firstAtMs, lastAtMs, count },
    pool: textOf(pool),
    comparison: isObject(comparison) ? comparison : undefined,
    likelyCause: textOf(likelyCause),
    lookAt: textOf(lookAt),
    carriedOver: true,
  };
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isObject(value: JsonValue | undefined): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
