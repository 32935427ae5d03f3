/** Keeps the timeline in the store: a deployment must still be known after the restart that it was. */

import type { JsonValue } from '../learning/types.ts';
import { OCCURRENCE_KINDS, type Occurrence, type Timeline } from './timeline.ts';

export interface TimelineStorage {
  /** What is stored, oldest first; rejects while the store is down. */
  restore(): Promise<readonly (readonly [key: string, value: JsonValue])[]>;
  persist(key: string, value: JsonValue): void;
  remove(key: string): void;
}

/** Occurrences of all runs that are kept. */
const KEPT = 2_000;

export class TimelineKeeper {
  readonly #timeline: Timeline;
  readonly #storage: TimelineStorage;
  /** Oldest first. */
  readonly #keys: string[] = [];

  constructor(timeline: Timeline, storage: TimelineStorage) {
    this.#timeline = timeline;
    this.#storage = storage;
  }

  async restore(): Promise<void> {
    const stored = await this.#storage.restore();
    const known = stored.flatMap(([key, value]) => {
      const occurrence = readOccurrence(value);
      return occurrence === undefined ? [] : [{ key, occurrence }];
    });
    known.sort((a, b) => a.occurrence.atUs - b.occurrence.atUs);
    this.#keys.unshift(...known.map(({ key }) => key));
    this.#timeline.restore(known.map(({ occurrence }) => occurrence));
    this.#forgetOldest();
  }

  save(): void {
    for (const occurrence of this.#timeline.takeUnsaved()) {
      const { atUs, kind, detail, pool } = occurrence;
      const key = `${String(Math.round(atUs)).padStart(17, '0')}:${kind}:${this.#keys.length}`;
      this.#keys.push(key);
      this.#storage.persist(key, { atUs, kind, detail, pool: pool ?? null });
    }
    this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const key of this.#keys.splice(0, Math.max(0, this.#keys.length - KEPT))) this.#storage.remove(key);
  }
}

function readOccurrence(value: JsonValue): Occurrence | undefined {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return undefined;
  const { atUs, detail, pool } = value;
  const kind = OCCURRENCE_KINDS.find((known) => known === value.kind);
  if (kind === undefined || typeof atUs !== 'number' || typeof detail !== 'string') return undefined;
  return { atUs, kind, detail, pool: typeof pool === 'string' ? pool : undefined };
}
