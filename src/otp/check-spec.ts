import type { Restart, ShutdownTime } from './child-kind.ts';
import type { ChildSpec } from './child-spec.ts';

/** Supervisor flags, complete. */
export interface Flags {
  readonly strategy: Strategy;
  readonly intensity: number;
  readonly period: number;
  readonly autoShutdown: AutoShutdown;
}

export type Strategy = 'one_for_one' | 'one_for_all' | 'rest_for_one' | 'simple_one_for_one';
export type AutoShutdown = 'never' | 'any_significant' | 'all_significant';

/**
 * What is wrong with flags or specs, in OTP's words, with the bad value. `invalid_mfa` is a `start` that is no function;
 * `bad_combination` names the two fields.
 */
export type SpecError =
  | { readonly type: 'missing_id' | 'missing_start' }
  | { readonly type: `invalid_${string}`; readonly value: unknown }
  | { readonly type: 'duplicate_child_name'; readonly id: string }
  | { readonly type: 'bad_combination'; readonly fields: readonly (readonly [string, unknown])[] };

const STRATEGIES: readonly unknown[] = ['one_for_one', 'one_for_all', 'rest_for_one', 'simple_one_for_one'];
const AUTO_SHUTDOWNS: readonly unknown[] = ['never', 'any_significant', 'all_significant'];
const RESTARTS: readonly unknown[] = ['permanent', 'transient', 'temporary'];

export type Checked<T> = { readonly ok: T } | { readonly error: SpecError };

/** Fills in defaults and checks; the first bad field, in OTP's order, is the error. Takes whatever JavaScript may give. */
export function checkFlags(given: object): Checked<Flags> {
  const strategy = 'strategy' in given && given.strategy !== undefined ? given.strategy : 'one_for_one';
  const intensity = 'intensity' in given && given.intensity !== undefined ? given.intensity : 1;
  const period = 'period' in given && given.period !== undefined ? given.period : 5;
  const autoShutdown = 'autoShutdown' in given && given.autoShutdown !== undefined ? given.autoShutdown : 'never';
  if (!isStrategy(strategy)) return invalid('strategy', strategy);
  if (!isInteger(intensity, 0)) return invalid('intensity', intensity);
  if (!isInteger(period, 1)) return invalid('period', period);
  if (!isAutoShutdown(autoShutdown)) return invalid('auto_shutdown', autoShutdown);
  return { ok: { strategy, intensity, period, autoShutdown } };
}

/** One child spec, complete, or what is wrong with it. */
export function checkChildSpec<Args extends readonly unknown[]>(
  given: Partial<ChildSpec<Args>>,
  autoShutdown: AutoShutdown,
): Checked<ChildSpec<Args>> {
  if (typeof given !== 'object' || given === null) return invalid('child_spec', given);
  const { id, start, restart = 'permanent', type = 'worker', significant = false } = given;
  if (id === undefined) return { error: { type: 'missing_id' } };
  if (start === undefined) return { error: { type: 'missing_start' } };
  if (typeof start !== 'function') return invalid('mfa', start);
  if (!isRestart(restart)) return invalid('restart_type', restart);
  const insignificant = checkSignificant(significant, restart, autoShutdown);
  if (insignificant !== undefined) return { error: insignificant };
  if (type !== 'worker' && type !== 'supervisor') return invalid('child_type', type);
  const { shutdown = type === 'worker' ? 5000 : 'infinity' } = given;
  if (!isShutdownTime(shutdown)) return invalid('shutdown', shutdown);
  return { ok: { id, start, restart, shutdown, type, significant } };
}

/** Specs in start order; each id once. */
export function checkChildSpecs<Args extends readonly unknown[]>(
  given: readonly Partial<ChildSpec<Args>>[],
  autoShutdown: AutoShutdown,
): Checked<ChildSpec<Args>[]> {
  const specs = new Map<string, ChildSpec<Args>>();
  for (const one of given) {
    const checked = checkChildSpec(one, autoShutdown);
    if ('error' in checked) return checked;
    if (specs.has(checked.ok.id)) return { error: { type: 'duplicate_child_name', id: checked.ok.id } };
    specs.set(checked.ok.id, checked.ok);
  }
  return { ok: [...specs.values()] };
}

function checkSignificant(significant: unknown, restart: Restart, autoShutdown: AutoShutdown): SpecError | undefined {
  if (significant === false) return undefined;
  if (significant !== true) return { type: 'invalid_significant', value: significant };
  if (autoShutdown === 'never') return badCombination('auto_shutdown', 'never');
  if (restart === 'permanent') return badCombination('restart', 'permanent');
  return undefined;
}

function badCombination(field: string, value: string): SpecError {
  return {
    type: 'bad_combination',
    fields: [
      [field, value],
      ['significant', true],
    ],
  };
}

function invalid(field: string, value: unknown): { readonly error: SpecError } {
  return { error: { type: `invalid_${field}`, value } };
}

function isStrategy(value: unknown): value is Strategy {
  return STRATEGIES.includes(value);
}
function isAutoShutdown(value: unknown): value is AutoShutdown {
  return AUTO_SHUTDOWNS.includes(value);
}
function isRestart(value: unknown): value is Restart {
  return RESTARTS.includes(value);
}
function isShutdownTime(value: unknown): value is ShutdownTime {
  return value === 'infinity' || value === 'brutal_kill' || isInteger(value, 0);
}
function isInteger(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && typeof value === 'number' && value >= least;
}
