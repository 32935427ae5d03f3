/** Counters that should stand still: messages that nobody handled, decisions that failed, records that were dropped. Told when they grow. */
import { percent, spaced } from '../metrics/analysis/words.ts';
import type { AlertContent } from './adviser-alerts.ts';

/** Messages that nobody handled, since the runtime started. */
export interface DeadLetterNote {
  readonly total: number;
  /** The names that most of them were for, with how many. */
  readonly to: Readonly<Record<string, number>>;
}

export interface CountsInput {
  readonly atMs: number;
  readonly deadLetters: DeadLetterNote;
  readonly decisions: number;
  readonly failedDecisions: number;
  readonly droppedRecords: number;
}

/** Growth within a minute that is told. A restart leaves some dead letters behind: casts that were on their way. */
const WINDOW_MS = 60_000;
const DEAD_LETTERS = 20;
const FAILED_DECISIONS = 1;
const DROPPED_RECORDS = 1;

export class CountsWatch {
  readonly #deadLetters = new Growth();
  readonly #failures = new Growth();
  readonly #decisions = new Growth();
  readonly #dropped = new Growth();

  /** @returns what is to be raised: again, while it goes on */
  observe(input: CountsInput): AlertContent[] {
    const { atMs } = input;
    const letters = this.#deadLetters.observe(atMs, input.deadLetters.total);
    const decisions = this.#decisions.observe(atMs, input.decisions);
    const failures = this.#failures.observe(atMs, input.failedDecisions);
    const dropped = this.#dropped.observe(atMs, input.droppedRecords);
    const alerts: AlertContent[] = [];
    if (letters.fresh > 0 && letters.inWindow >= DEAD_LETTERS) alerts.push(deadLetters(letters.inWindow, input));
    if (failures.fresh >= FAILED_DECISIONS) alerts.push(failedDecisions(failures.inWindow, decisions.inWindow, input));
    if (dropped.fresh >= DROPPED_RECORDS) alerts.push(droppedRecords(dropped.inWindow, input));
    return alerts;
  }
}

/** How much a counter has grown: since the last look, and within the last minute. */
class Growth {
  readonly #looks: { readonly atMs: number; readonly total: number }[] = [];

  observe(atMs: number, total: number): { readonly fresh: number; readonly inWindow: number } {
    const last = this.#looks.at(-1);
    this.#looks.push({ atMs, total });
    while ((this.#looks[1]?.atMs ?? atMs) <= atMs - WINDOW_MS) this.#looks.shift();
    // What was there at the first look happened before anybody looked.
    return { fresh: total - (last?.total ?? total), inWindow: total - (this.#looks[0]?.total ?? total) };
  }
}

function deadLetters(inWindow: number, { deadLetters: { total, to } }: CountsInput): AlertContent {
  const names = Object.entries(to).sort(([, a], [, b]) => b - a);
  const most = names.slice(0, 3).map(([name, count]) => `${name} (${spaced(count)})`);
  return {
    key: 'dead_letters',
    kind: 'dead_letters',
    severity: 'warning',
    pool: undefined,
    message: `${spaced(inWindow)} messages within a minute reached nobody; decisions go on, but what they were to tell is lost.`,
    comparison: { withinAMinute: inWindow, limit: DEAD_LETTERS, sinceStart: total, to },
    likelyCause: most.length === 0 ? undefined : `these actors are down or cannot keep up: ${most.join(', ')}`,
    lookAt: 'runtime.tree(): who restarts, and how long the mailboxes are; the log for exit reasons',
  };
}

function failedDecisions(inWindow: number, decisions: number, input: CountsInput): AlertContent {
  const share = decisions > 0 ? ` (${percent(inWindow / decisions)} of all)` : '';
  return {
    key: 'decision_failed',
    kind: 'decision_failed',
    severity: 'critical',
    pool: undefined,
    message: `${spaced(inWindow)} decisions within a minute${share} threw inside pitwall and were answered with gRPC. This is a fault of pitwall's; no transfer was lost.`,
    comparison: {
      withinAMinute: inWindow,
      decisionsWithinAMinute: decisions,
      sinceStart: input.failedDecisions,
      limit: 0,
    },
    likelyCause: undefined,
    lookAt:
      'the log lines "a decision failed", which hold the error; runtime.disable("static_rules") decides without what was learned',
  };
}

function droppedRecords(inWindow: number, { droppedRecords: total }: CountsInput): AlertContent {
  return {
    key: 'records_dropped',
    kind: 'records_dropped',
    severity: 'warning',
    pool: undefined,
    message: `${spaced(inWindow)} records of transfers were dropped within a minute: they are in no statistics and taught nothing. Decisions go on.`,
    comparison: { withinAMinute: inWindow, limit: 0, sinceStart: total },
    likelyCause: 'the store does not take them, or they come faster than it writes',
    lookAt: 'runtime.status and the alert store_degraded; then queueCapacity',
  };
}
