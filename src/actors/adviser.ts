/**
 * `adviser`: keeps the alerts that are active: raised by whoever saw something, deduplicated by their key, resolved when over. It tells
 * the host's logger and listeners, each alert once until it is resolved.
 */
import type { JsonValue } from '../learning/types.ts';
import { type Call, type GenServer, next } from '../otp/index.ts';

export type AlertKind =
  | 'store_degraded'
  | 'zero_copy_circuit_open'
  | 'custom_rule_disabled'
  | 'actor_restarts'
  | 'decision_failed'
  | 'state_refused'
  | 'model_demoted'
  | 'records_dropped'
  | 'memory_pressure'
  | 'shared_memory_low'
  | 'disk_low'
  | 'regression';

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
  readonly count: number;
}

export interface RaiseAlert extends AlertContent {
  readonly type: 'raise_alert';
}
export interface ResolveAlert {
  readonly type: 'resolve_alert';
  readonly key: string;
}
export interface GetAlerts extends Call<readonly Alert[]> {
  readonly type: 'get_alerts';
}

export interface AdviserArgs {
  readonly nowMs: () => number;
  readonly onRaised: (alert: Alert) => void;
  readonly onResolved: (alert: Alert) => void;
  /** Active alerts kept; the oldest goes first. Default 256. */
  readonly limit?: number;
}

interface State {
  readonly args: AdviserArgs;
  readonly active: Map<string, Alert>;
}

const DEFAULT_LIMIT = 256;

export const adviser: GenServer<AdviserArgs, State, GetAlerts, RaiseAlert | ResolveAlert> = {
  init: (args) => next.ok({ args, active: new Map() }),
  handleCall: (_message, _from, state) => next.reply([...state.active.values()], state),
  handleCast(message, state) {
    switch (message.type) {
      case 'raise_alert':
        raise(state, message);
        return next.noreply(state);
      case 'resolve_alert':
        resolve(state, message.key);
        return next.noreply(state);
      default:
        return message satisfies never;
    }
  },
};

function raise({ args, active }: State, { type: _type, ...content }: RaiseAlert): void {
  const known = active.get(content.key);
  const atMs = args.nowMs();
  const count = (known?.count ?? 0) + 1;
  const alert = { ...content, firstAtMs: known?.firstAtMs ?? atMs, lastAtMs: atMs, count };
  active.set(content.key, alert);
  if (known) return;
  const oldest = active.size > (args.limit ?? DEFAULT_LIMIT) ? active.keys().next().value : undefined;
  if (oldest !== undefined) active.delete(oldest);
  args.onRaised(alert);
}

function resolve({ args, active }: State, key: string): void {
  const alert = active.get(key);
  if (!alert) return;
  active.delete(key);
  args.onResolved(alert);
}
