/** All advice of a runtime: what stands, what was dismissed, what was applied. Owned by the adviser; outlives its crash. */
import type { JsonValue } from '../../../learning/types.ts';
import { type Dismissal, mergeAdvice, ranked, readAdvice, subjectKey } from './book.ts';
import { readTracked, type TrackedAdvice } from './realized.ts';
import type { Advice, Recommendation } from './types.ts';

const TRACKED_KEPT = 64;
const DISMISSALS_KEPT = 256;

export class AdviceBook {
  #standing: Advice[] = [];
  #tracked: TrackedAdvice[] = [];
  #dismissed = new Map<string, Dismissal>();
  #nextId = 1;
  #dirty = false;
  /** Whether what was stored was taken: it must not be overwritten unread. */
  restored = false;

  /** The most promising first. */
  list(pool: string | undefined): Advice[] {
    return this.#standing.filter((advice) => pool === undefined || advice.pool === pool);
  }

  find(id: string): Advice | undefined {
    return this.#standing.find((advice) => advice.id === id);
  }

  /** Newest first. */
  tracked(pool: string | undefined): TrackedAdvice[] {
    return this.#tracked.filter(({ advice }) => pool === undefined || advice.pool === pool);
  }

  /** What the evidence of a pool says now; what it no longer says goes. */
  found(pool: string, found: readonly Recommendation[], atMs: number): void {
    const own = this.list(pool);
    const merged = mergeAdvice(own, found, this.#dismissed, atMs, () => this.#id());
    if (own.length === 0 && merged.length === 0) return;
    this.#standing = ranked([...this.#standing.filter((advice) => advice.pool !== pool), ...merged]);
    this.#dirty = true;
  }

  applied(tracked: TrackedAdvice): void {
    this.#standing = this.#standing.filter(({ id }) => id !== tracked.advice.id);
    this.#tracked = [tracked, ...this.#tracked].slice(0, TRACKED_KEPT);
    this.#dirty = true;
  }

  update(tracked: TrackedAdvice): void {
    const at = this.#tracked.findIndex(
      ({ advice, appliedAtMs }) => advice.id === tracked.advice.id && appliedAtMs === tracked.appliedAtMs,
    );
    if (at < 0) return;
    this.#tracked = this.#tracked.with(at, tracked);
    this.#dirty = true;
  }

  /** @returns false where there is no such advice */
  dismiss(id: string, atMs: number): boolean {
    const advice = this.find(id);
    if (advice === undefined) return false;
    this.#standing = this.#standing.filter((each) => each !== advice);
    this.#dismissed.set(subjectKey(advice), { gain: advice.expectedGain.value, atMs });
    const oldest = this.#dismissed.size > DISMISSALS_KEPT ? this.#dismissed.keys().next().value : undefined;
    if (oldest !== undefined) this.#dismissed.delete(oldest);
    this.#dirty = true;
    return true;
  }

  takeDirty(): boolean {
    const dirty = this.#dirty;
    this.#dirty = false;
    return dirty;
  }

  toJson(): JsonValue {
    const { nextId, standing, tracked, dismissed } = {
      nextId: this.#nextId,
      standing: this.#standing,
      tracked: this.#tracked,
      dismissed: [...this.#dismissed],
    };
    return JSON.parse(JSON.stringify({ version: 1, nextId, standing, tracked, dismissed }));
  }

  /** What is there already is newer. */
  restore(stored: JsonValue | undefined): void {
    this.restored = true;
    if (typeof stored !== 'object' || stored === null || !('standing' in stored)) return;
    const { nextId, standing, tracked, dismissed } = stored;
    if (typeof nextId === 'number' && nextId > this.#nextId) this.#nextId = nextId;
    const known = new Set(this.#standing.map(subjectKey));
    this.#standing = ranked([
      ...this.#standing,
      ...readAdvice(standing).filter((advice) => !known.has(subjectKey(advice))),
    ]);
    const earlier = (Array.isArray(tracked) ? tracked : []).flatMap((each) => readTracked(each) ?? []);
    this.#tracked = [...this.#tracked, ...earlier].slice(0, TRACKED_KEPT);
    for (const entry of Array.isArray(dismissed) ? dismissed : []) this.#takeDismissal(entry);
    this.#dirty = true;
  }

  #takeDismissal(entry: JsonValue): void {
    if (!Array.isArray(entry)) return;
    const [key, dismissal] = entry;
    if (typeof key !== 'string' || typeof dismissal !== 'object' || dismissal === null || !('gain' in dismissal))
      return;
    const { gain, atMs } = dismissal;
    if (typeof gain !== 'number' || typeof atMs !== 'number' || this.#dismissed.has(key)) return;
    this.#dismissed.set(key, { gain, atMs });
  }

  #id(): string {
    const id = `a${this.#nextId.toString(36)}`;
    this.#nextId += 1;
    return id;
  }
}
