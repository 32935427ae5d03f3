import type { Destinations } from '../actors/destinations.ts';
import { ConfigError } from '../config/config-error.ts';
import { InvalidArgumentError, PitwallError } from '../errors.ts';
import type { TrackedAdvice } from '../metrics/analysis/advice/realized.ts';
import type { Advice } from '../metrics/analysis/advice/types.ts';
import { call } from '../otp/index.ts';

/** What `apply` may be told, kept with the policy's change. */
export interface AdviceNote {
  readonly by?: string | undefined;
  readonly why?: string | undefined;
}

/** A look at every pool's records, in slices. */
const LOOK_TIMEOUT_MS = 120_000;

/** `runtime.advice`: what could be done better, doing it, and what came of it. Everything it answers with is plain JSON. */
export class AdviceApi {
  readonly #destinations: Destinations;

  constructor(destinations: Destinations) {
    this.#destinations = destinations;
  }

  /**
   * The advice that stands, of a pool or of all, by expected gain times confidence. Looked for anew every minute; what the evidence no longer says is
   * gone.
   * @throws CallError while the adviser is down
   */
  async list(pool?: string): Promise<readonly Advice[]> {
    return call(this.#destinations.adviser, { type: 'get_advice', pool: poolName(pool) });
  }

  /**
   * Looks at the newest 5 000 records of a pool, or of each, now.
   * @returns the advice that stands then
   * @throws CallError while the adviser is down
   */
  async refresh(pool?: string): Promise<readonly Advice[]> {
    const message = { type: 'refresh_advice', pool: poolName(pool) } as const;
    return call(this.#destinations.adviser, message, { timeoutMs: LOOK_TIMEOUT_MS });
  }

  /**
   * Does what the advice says: changes the pool's policy, as `updatePolicy` does, and follows what comes of it.
   * @throws InvalidArgumentError where no such advice stands (any more)
   * @throws PitwallError `PITWALL_ADVICE_NOT_APPLICABLE` for advice about the host's own code or options; its message holds what to write
   * @throws ConfigError `PITWALL_INVALID_POLICY` where the policy has changed so that it no longer fits
   * @throws CallError while adviser or controller is down
   */
  async apply(id: string, note: AdviceNote = {}): Promise<TrackedAdvice> {
    const { by, why } = checkNote(note);
    const message = { type: 'apply_advice', id: idOf(id), by, why } as const;
    const outcome = await call(this.#destinations.adviser, message, { timeoutMs: LOOK_TIMEOUT_MS });
    switch (outcome.type) {
      case 'ok':
        return outcome.tracked;
      case 'unknown':
        throw new InvalidArgumentError('id', id, 'the id of advice that stands: see advice.list()');
      case 'by_hand': {
        const { title, snippet } = outcome.advice;
        throw new PitwallError(
          'PITWALL_ADVICE_NOT_APPLICABLE',
          `"${title}" is for the host's own code or options: ${snippet}`,
        );
      }
      case 'refused':
        throw asError(outcome.error);
      default:
        return outcome satisfies never;
    }
  }

  /**
   * Not wanted: its subject stays away, over restarts, until it promises twice as much.
   * @returns false where no such advice stands (any more)
   * @throws CallError while the adviser is down
   */
  async dismiss(id: string): Promise<boolean> {
    return call(this.#destinations.adviser, { type: 'dismiss_advice', id: idOf(id) });
  }

  /**
   * Advice that was applied, newest first: what it was predicted to gain, and what it has gained by now, with the interval. At most 64; kept over restarts.
   * @throws CallError while the adviser is down
   */
  async tracked(pool?: string): Promise<readonly TrackedAdvice[]> {
    const message = { type: 'get_tracked_advice', pool: poolName(pool) } as const;
    return call(this.#destinations.adviser, message, { timeoutMs: LOOK_TIMEOUT_MS });
  }
}

function poolName(pool: unknown): string | undefined {
  if (pool === undefined || typeof pool === 'string') return pool;
  throw new InvalidArgumentError('pool', pool, 'the name of a pool');
}

function idOf(id: unknown): string {
  if (typeof id === 'string') return id;
  throw new InvalidArgumentError('id', id, 'the id of advice');
}

function checkNote(note: unknown): AdviceNote {
  if (typeof note !== 'object' || note === null) throw new InvalidArgumentError('note', note, '{ by?, why? }');
  const { by, why }: { by?: unknown; why?: unknown } = note;
  if (by !== undefined && typeof by !== 'string') throw new InvalidArgumentError('note.by', by, 'a text');
  if (why !== undefined && typeof why !== 'string') throw new InvalidArgumentError('note.why', why, 'a text');
  return { by, why };
}

function asError(error: unknown): Error {
  if (error instanceof ConfigError || error instanceof Error) return error;
  return new PitwallError('PITWALL_ADVICE_NOT_APPLICABLE', 'the policy could not be changed', { cause: error });
}
