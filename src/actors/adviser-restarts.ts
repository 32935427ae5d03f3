/** Crashes that come again and again, and supervisors that give up, from what supervisors report. */
import { spaced } from '../metrics/analysis/words.ts';
import { describeReason, type SupervisorReport } from '../otp/index.ts';
import type { AlertContent } from './adviser-alerts.ts';

const WINDOW_MS = 600_000;
/** Crashes of one child within the window that are told. */
const CRASHES = 3;
const MAX_CHILDREN = 1_000;

export interface RestartNews {
  readonly raise: AlertContent | undefined;
  readonly resolve: string | undefined;
}

export class RestartWatch {
  readonly #crashes = new Map<string, number[]>();
  /** Supervisors that gave up. */
  readonly #gaveUp = new Set<string>();

  observe(report: SupervisorReport, atMs: number): RestartNews {
    const { context, offender } = report;
    const supervisor = report.supervisor.name;
    if (context === 'started') return { raise: undefined, resolve: this.#started(offender.id) };
    const reason = describeReason(report.reason);
    if (context === 'child_terminated')
      return { raise: this.#crashed(supervisor, offender.id, reason, atMs), resolve: undefined };
    if (context !== 'shutdown') return { raise: undefined, resolve: undefined };
    this.#gaveUp.add(supervisor);
    return { raise: gaveUp(supervisor, offender.id, reason, report.restarts), resolve: undefined };
  }

  #crashed(supervisor: string, child: string, reason: string, atMs: number): AlertContent | undefined {
    const key = `${supervisor}:${child}`;
    const times = [...(this.#crashes.get(key) ?? []), atMs].filter((time) => atMs - time < WINDOW_MS);
    this.#crashes.delete(key);
    this.#crashes.set(key, times);
    const oldest = this.#crashes.size > MAX_CHILDREN ? this.#crashes.keys().next().value : undefined;
    if (oldest !== undefined) this.#crashes.delete(oldest);
    if (times.length < CRASHES) return undefined;
    return {
      key: `actor_restarts:${key}`,
      kind: 'actor_restarts',
      severity: 'warning',
      pool: undefined,
      message: `${child} below ${supervisor} crashed ${spaced(times.length)} times within ten minutes and was restarted. Decisions go on with what it published last.`,
      comparison: {
        crashes: times.length,
        limit: CRASHES,
        windowMinutes: WINDOW_MS / 60_000,
        lastReason: reason.slice(0, 256),
      },
      likelyCause: `its last exit reason: ${reason.slice(0, 256)}`,
      lookAt: 'the log for the first crash of the row; runtime.analyzer.timeline() for what happened before it',
    };
  }

  /** A supervisor that gave up and runs again. */
  #started(id: string): string | undefined {
    return this.#gaveUp.delete(id) ? gaveUpKey(id) : undefined;
  }
}

function gaveUpKey(supervisor: string): string {
  return `actor_restarts:${supervisor}`;
}

function gaveUp(supervisor: string, child: string, reason: string, restarts: number): AlertContent {
  return {
    key: gaveUpKey(supervisor),
    kind: 'actor_restarts',
    severity: 'critical',
    pool: undefined,
    message: `${supervisor} gave up: ${child} crashed too often. Look at the log for its exit reason.`,
    comparison: { restarts, lastReason: reason.slice(0, 256) },
    likelyCause: `the last exit reason of ${child}: ${reason.slice(0, 256)}`,
    lookAt: 'runtime.status for what is missing now; the log for the first crash of the row',
  };
}
