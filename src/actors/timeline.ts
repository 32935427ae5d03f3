/**
 * What happened beside the transfers: deployments that the host annotated, policy changes, restarts, closed lanes, rises of load. Regressions and
 * outliers are set against it. Like the record queue it belongs to no actor: whoever sees something writes it down at once, and a restart of
 * the analyzer loses nothing.
 */

export const OCCURRENCE_KINDS = [
  'annotation',
  'runtime_started',
  'policy_changed',
  'experiment',
  'mode_changed',
  'threshold_changed',
  'model_published',
  'model_stage',
  'exploration_budget',
  'drift',
  'actor_restarted',
  'lane_closed',
  'load_rise',
] as const;

export type OccurrenceKind = (typeof OCCURRENCE_KINDS)[number];

/** What can make transfers slower; `drift` is how they look when they have become so. */
export const CAUSES: ReadonlySet<OccurrenceKind> = new Set(OCCURRENCE_KINDS.filter((kind) => kind !== 'drift'));

export interface Occurrence {
  /** Unix microseconds. */
  readonly atUs: number;
  readonly kind: OccurrenceKind;
  /** One line. */
  readonly detail: string;
  /** Absent: it concerns every pool. */
  readonly pool: string | undefined;
}

const DEFAULT_LIMIT = 1_000;
const MAX_DETAIL = 512;

export class Timeline {
  readonly #limit: number;
  readonly #nowUs: () => number;
  #occurrences: Occurrence[] = [];
  /** Newest last; what has not been handed to the store yet. */
  #unsaved: Occurrence[] = [];

  /** @param limit occurrences kept; beyond it the oldest goes. Default 1 000. */
  constructor(nowUs: () => number, limit = DEFAULT_LIMIT) {
    this.#nowUs = nowUs;
    this.#limit = limit;
  }

  add(kind: OccurrenceKind, detail: string, pool?: string): Occurrence {
    const occurrence = { atUs: this.#nowUs(), kind, detail: detail.slice(0, MAX_DETAIL), pool };
    this.#occurrences.push(occurrence);
    this.#unsaved.push(occurrence);
    if (this.#occurrences.length > this.#limit) this.#occurrences.shift();
    if (this.#unsaved.length > this.#limit) this.#unsaved.shift();
    return occurrence;
  }

  /** What was kept of earlier runs. */
  restore(earlier: readonly Occurrence[]): void {
    const known = new Set(this.#occurrences.map(identity));
    const added = earlier.filter((occurrence) => !known.has(identity(occurrence)));
    this.#occurrences = [...added, ...this.#occurrences].sort((a, b) => a.atUs - b.atUs).slice(-this.#limit);
  }

  /** In order of time; `pool`: only what concerns it. */
  between(fromUs: number, toUs: number, pool?: string): Occurrence[] {
    return this.#occurrences.filter(
      (occurrence) =>
        occurrence.atUs >= fromUs &&
        occurrence.atUs <= toUs &&
        (pool === undefined || occurrence.pool === undefined || occurrence.pool === pool),
    );
  }

  /** What was added since the last call. */
  takeUnsaved(): Occurrence[] {
    const taken = this.#unsaved;
    this.#unsaved = [];
    return taken;
  }
}

function identity({ atUs, kind, detail }: Occurrence): string {
  return `${atUs}\u0000${kind}\u0000${detail}`;
}
