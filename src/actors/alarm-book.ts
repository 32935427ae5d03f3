/** Which regressions are told as alerts: one alert a group, brought up to date while it grows, resolved when all of it is over. */
import type { AlertContent } from './adviser.ts';
import type { RegressionGroup } from './regression-report.ts';

export interface AlertSink {
  readonly raise: (alert: AlertContent) => void;
  readonly resolve: (key: string) => void;
}

export class AlarmBook {
  readonly #sink: AlertSink;
  readonly #shown = new Map<string, string>();

  constructor(sink: AlertSink) {
    this.#sink = sink;
  }

  /** Raises what is new or has changed, resolves what is no longer there. `describe` may take its time. */
  show(groups: readonly RegressionGroup[], describe: (group: RegressionGroup) => Promise<AlertContent>): void {
    const present = new Map(groups.map((group) => [group.id, fingerprint(group)]));
    for (const id of this.#shown.keys()) {
      if (present.has(id)) continue;
      this.#shown.delete(id);
      this.#sink.resolve(alertKey(id));
    }
    for (const group of groups) {
      const now = fingerprint(group);
      if (this.#shown.get(group.id) === now) continue;
      this.#shown.set(group.id, now);
      void describe(group).then((alert) => {
        // It may have ended, or changed again, while it was described.
        if (this.#shown.get(group.id) === now) this.#sink.raise({ ...alert, key: alertKey(group.id) });
      });
    }
  }
}

function alertKey(id: string): string {
  return `regression:${id}`;
}

function fingerprint({ alarms }: RegressionGroup): string {
  return alarms.map(({ key, atUs }) => `${key}@${atUs}`).join(' ');
}
