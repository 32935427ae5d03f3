/** The kill switch's memory: what was pulled stays pulled over a restart, until it is taken back. */
import type { PoolSnapshot } from '../decision/types.ts';
import type { JsonValue } from '../learning/types.ts';
import type { ChangeNote } from './policy-messages.ts';

/** A name that no pool can have. */
export const MODE_KEY = '\u0000mode';

export interface KeptMode extends ChangeNote {
  readonly mode: 'disabled' | 'static_rules';
  readonly atMs: number;
}

export interface ModeSwitchArgs {
  readonly nowMs: () => number;
  readonly mode: () => PoolSnapshot['mode'];
  readonly setMode: (mode: PoolSnapshot['mode']) => void;
  readonly persistMode: (kept: JsonValue | undefined) => void;
  readonly onModeRestored: (kept: KeptMode) => void;
}

export class ModeSwitch {
  readonly #args: ModeSwitchArgs;
  /** Set in this run: newer than what is stored. */
  #touched = false;

  constructor(args: ModeSwitchArgs) {
    this.#args = args;
  }

  set(mode: PoolSnapshot['mode'], note: Partial<ChangeNote>): void {
    this.#args.setMode(mode);
    this.keep(mode, note);
  }

  /** For a mode that is in force already. */
  keep(mode: PoolSnapshot['mode'], { by, why }: Partial<ChangeNote>): void {
    this.#touched = true;
    const kept = mode === 'enabled' ? undefined : { mode, atMs: this.#args.nowMs(), by: by ?? null, why: why ?? null };
    this.#args.persistMode(kept);
  }

  /** Puts a stored mode into force, unless the code or this run says something else already. @returns the entries that are of pools */
  restore(stored: readonly (readonly [key: string, value: JsonValue])[]): (readonly [string, JsonValue])[] {
    const kept = readMode(stored.find(([key]) => key === MODE_KEY)?.[1]);
    if (kept !== undefined && !this.#touched && this.#args.mode() === 'enabled') {
      this.#args.setMode(kept.mode);
      this.#args.onModeRestored(kept);
    }
    return stored.filter(([key]) => key !== MODE_KEY);
  }
}

/** Of a stored entry; undefined for what is none. */
export function readMode(value: JsonValue | undefined): KeptMode | undefined {
  if (typeof value !== 'object' || value === null || !('mode' in value)) return undefined;
  const { mode, atMs, by, why } = value;
  if ((mode !== 'disabled' && mode !== 'static_rules') || typeof atMs !== 'number') return undefined;
  return {
    mode,
    atMs,
    by: typeof by === 'string' ? by : undefined,
    why: typeof why === 'string' ? why : undefined,
  };
}
