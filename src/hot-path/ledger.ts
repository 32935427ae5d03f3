/**
 * The last decisions by transfer id, so that a later record finds what was decided and `explain` finds why.
 *
 * A ring: the sequence number inside the id is the place, so that neither a map nor an eviction pass is needed (a `Map` of 16 384
 * ids that come and go cost 3 times as much per decision here, most of it in garbage collection).
 *
 *   id "k3f9a2-00zz"  ─▶ seq ─▶ entries[seq & mask]   (valid while entries[…].transferId is the id itself)
 */

export interface Identified {
  readonly transferId: string;
}

export class Ledger<T extends Identified> {
  readonly #prefix: string;
  readonly #mask: number;
  readonly #entries: (T | undefined)[];
  /** 1 for each entry that still awaits its record. */
  readonly #open: Uint8Array;
  readonly #decisionTimeUs: Float64Array;
  #sequence = 0;

  /** `capacity` is rounded up to a power of two. `instance` must differ between runtimes that share a store. */
  constructor(instance: string, capacity = 8_192) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(2, capacity)));
    this.#prefix = `${instance}-`;
    this.#mask = size - 1;
    this.#entries = new Array<T | undefined>(size).fill(undefined);
    this.#open = new Uint8Array(size);
    this.#decisionTimeUs = new Float64Array(size);
  }

  /** The id of the next decision. Unique per instance; sorts by time within a width of digits. */
  nextId(): string {
    this.#sequence += 1;
    return this.#prefix + this.#sequence.toString(36);
  }

  /** Enters the decision that `nextId` was made for. Returns false when it displaced one that never got its record. */
  enter(decision: T, decisionTimeUs: number): boolean {
    const place = this.#sequence & this.#mask;
    const displaced = this.#open[place] === 1;
    this.#entries[place] = decision;
    this.#open[place] = 1;
    this.#decisionTimeUs[place] = decisionTimeUs;
    return !displaced;
  }

  find(transferId: string): T | undefined {
    const place = this.#place(transferId);
    const entry = place < 0 ? undefined : this.#entries[place];
    return entry?.transferId === transferId ? entry : undefined;
  }

  /** How long the decision took; 0 for one that is not here any more. */
  decisionTimeUs(transferId: string): number {
    return this.find(transferId) === undefined ? 0 : (this.#decisionTimeUs[this.#place(transferId)] ?? 0);
  }

  /** Finds a decision and closes it: a second record for the same transfer finds nothing. */
  close(transferId: string): T | undefined {
    const place = this.#place(transferId);
    if (place < 0 || this.#open[place] === 0) return undefined;
    const entry = this.#entries[place];
    if (entry?.transferId !== transferId) return undefined;
    this.#open[place] = 0;
    return entry;
  }

  #place(transferId: string): number {
    if (!transferId.startsWith(this.#prefix)) return -1;
    const sequence = Number.parseInt(transferId.slice(this.#prefix.length), 36);
    return Number.isSafeInteger(sequence) ? sequence & this.#mask : -1;
  }
}
