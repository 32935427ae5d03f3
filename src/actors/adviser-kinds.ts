/** Every kind of alert: when it is over where nobody says so, and what becomes of it when the host starts anew. `docs/alerts.md` lists them. */

export interface AlertKindRule {
  /** Resolved once it was not raised for so long, milliseconds; undefined: whoever raised it says when it is over. */
  readonly quietMs: number | undefined;
  /**
   * After a restart of the host: `over` with the process that it was about; `confirm`: kept, and over unless it is seen again within two minutes; `keep`:
   * what it is about outlives the process.
   */
  readonly afterRestart: 'over' | 'confirm' | 'keep';
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export const ALERT_KINDS = {
  regression: { quietMs: undefined, afterRestart: 'confirm' },
  drift: { quietMs: HOUR_MS, afterRestart: 'keep' },
  model_demoted: { quietMs: undefined, afterRestart: 'keep' },
  prediction_accuracy: { quietMs: undefined, afterRestart: 'over' },
  memory_pressure: { quietMs: undefined, afterRestart: 'confirm' },
  shared_memory_low: { quietMs: undefined, afterRestart: 'confirm' },
  disk_low: { quietMs: undefined, afterRestart: 'confirm' },
  zero_copy_circuit_open: { quietMs: undefined, afterRestart: 'over' },
  custom_rule_disabled: { quietMs: undefined, afterRestart: 'over' },
  actor_restarts: { quietMs: 10 * MINUTE_MS, afterRestart: 'over' },
  dead_letters: { quietMs: 5 * MINUTE_MS, afterRestart: 'over' },
  decision_failed: { quietMs: 5 * MINUTE_MS, afterRestart: 'over' },
  records_dropped: { quietMs: 5 * MINUTE_MS, afterRestart: 'over' },
  store_degraded: { quietMs: undefined, afterRestart: 'over' },
  experiment_guardrail: { quietMs: HOUR_MS, afterRestart: 'keep' },
  experiment_sample_ratio: { quietMs: 10 * MINUTE_MS, afterRestart: 'confirm' },
  state_refused: { quietMs: HOUR_MS, afterRestart: 'over' },
} as const satisfies Record<string, AlertKindRule>;

export type AlertKind = keyof typeof ALERT_KINDS;

export function isAlertKind(value: unknown): value is AlertKind {
  return typeof value === 'string' && Object.hasOwn(ALERT_KINDS, value);
}

/** Typed wider than the table: a rule like any other. */
export function ruleOf(kind: AlertKind): AlertKindRule {
  return ALERT_KINDS[kind];
}
