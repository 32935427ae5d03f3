/** What a benchmark has measured so far. */
import type { Method } from '../../../decision/types.ts';
import type { Paired } from './compare.ts';
import type { Measured, Visit } from './types.ts';

/** One configuration by one lane. */
export interface LaneTally {
  /** Latency by round, microseconds. */
  readonly latencies: ReadonlyMap<number, number>;
  readonly failed: number;
  readonly errorCode: string | undefined;
  /** Measured transfers whose memory was not what the cell says. */
  readonly otherMemory: number;
}

interface Entry extends LaneTally {
  readonly latencies: Map<number, number>;
  failed: number;
  errorCode: string | undefined;
  otherMemory: number;
  /** Visits without a single success, in a row. */
  lost: number;
}

/** So many visits in a row without one success, and a lane is not sent there again. */
const GIVE_UP_AFTER = 3;

export class Tally {
  readonly #entries = new Map<string, Entry>();
  #measured = 0;
  #warmUp = 0;
  #failed = 0;
  #rounds = 0;
  #succeeded = false;
  #lostInARow = 0;
  #lastError: string | undefined;

  /** Transfers, by what they were for and came to. `rounds`: the highest that was begun. */
  get totals(): { measured: number; warmUp: number; failed: number; rounds: number } {
    return { measured: this.#measured, warmUp: this.#warmUp, failed: this.#failed, rounds: this.#rounds };
  }

  /** Visits since the last one in which anything went well, none having gone well before: 0 from the first success on. */
  get lostFromTheStart(): number {
    return this.#succeeded ? 0 : this.#lostInARow;
  }

  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** @param transfers of the visit that went well */
  add(visit: Measured, transfers: number): void {
    const entry = this.#entry(visit);
    this.#failed += visit.failed;
    entry.failed += visit.failed;
    if (visit.round >= 0) entry.otherMemory += visit.otherMemory;
    if (visit.errorCode !== undefined) {
      entry.errorCode ??= visit.errorCode;
      this.#lastError = visit.errorCode;
    }
    if (visit.round < 0) this.#warmUp += transfers;
    else this.#measured += transfers;
    this.#rounds = Math.max(this.#rounds, visit.round + 1);
    if (visit.latencyUs === undefined) {
      entry.lost += 1;
      this.#lostInARow += 1;
      return;
    }
    entry.lost = 0;
    this.#succeeded = true;
    if (visit.round >= 0) entry.latencies.set(visit.round, visit.latencyUs);
  }

  /** Whether this lane failed here so often in a row that another visit is no use. */
  gaveUp(visit: Visit): boolean {
    return (this.#entries.get(keyOf(visit.cell, visit.lane))?.lost ?? 0) >= GIVE_UP_AFTER;
  }

  of(cell: number, lane: Method): LaneTally {
    return this.#entries.get(keyOf(cell, lane)) ?? NOTHING;
  }

  /** The rounds in which both lanes were measured. */
  paired(cell: number): Paired {
    const zeroCopy: number[] = [];
    const grpc: number[] = [];
    const other = this.of(cell, 'grpc').latencies;
    for (const [round, latencyUs] of this.of(cell, 'zero_copy').latencies) {
      const otherUs = other.get(round);
      if (otherUs === undefined) continue;
      zeroCopy.push(latencyUs);
      grpc.push(otherUs);
    }
    return { zeroCopy, grpc };
  }

  #entry({ cell, lane }: Visit): Entry {
    const key = keyOf(cell, lane);
    const known = this.#entries.get(key);
    if (known) return known;
    const entry = { latencies: new Map(), failed: 0, errorCode: undefined, otherMemory: 0, lost: 0 };
    this.#entries.set(key, entry);
    return entry;
  }
}

const NOTHING: LaneTally = { latencies: new Map(), failed: 0, errorCode: undefined, otherMemory: 0 };

function keyOf(cell: number, lane: Method): string {
  return `${cell} ${lane}`;
}
