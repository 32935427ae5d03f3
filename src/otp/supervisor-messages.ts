import type { SpecError } from './check-spec.ts';
import type { ChildSpec, ChildSpecInput } from './child-spec.ts';
import type { Call, ProcessRef, ServerRef } from './message.ts';
import type { AlreadyStarted } from './start.ts';
import type { ExitReason } from './terms.ts';

/** What a supervisor is asked. `supervisor.ts` has a function for each; nobody else writes these by hand. */
export type SupervisorCall =
  | StartChildCall
  | StartInstanceCall
  | ChildCall<'terminate_child', ChildResult>
  | ChildCall<'restart_child', StartChildResult>
  | ChildCall<'delete_child', ChildResult>
  | ChildCall<'get_childspec', ChildSpecResult>
  | ListCall
  | CountCall
  | ChangeCodeCall;

interface StartChildCall extends Call<StartChildResult> {
  readonly type: 'start_child';
  readonly spec: ChildSpecInput;
}
interface StartInstanceCall extends Call<StartChildResult> {
  readonly type: 'start_instance';
  readonly args: readonly unknown[];
}
interface ChildCall<T extends string, R> extends Call<R> {
  readonly type: T;
  readonly child: string | ProcessRef;
}
interface ListCall extends Call<readonly ChildEntry[]> {
  readonly type: 'which_children';
}
interface CountCall extends Call<ChildCounts> {
  readonly type: 'count_children';
}
interface ChangeCodeCall extends Call<ChangeResult> {
  readonly type: 'change_code';
  readonly flags: object;
  readonly children: readonly ChildSpecInput[];
}

/** What a supervisor tells itself: a restart failed, the next try comes after what waits already. */
export interface TryAgain {
  readonly type: 'try_again_restart';
  readonly child: string | ProcessRef;
}

/** `ref` is `undefined` for a child whose start came to `ignore`. */
export type StartChildResult =
  | { readonly type: 'ok'; readonly ref: ServerRef | undefined; readonly info?: unknown }
  | { readonly type: 'error'; readonly reason: StartChildError };

/**
 * Why there is no new child. OTP's terms, and any reason that a start function gives: `startChild` says it as `start_failed`;
 * `restartChild` and `startInstance` say the reason itself.
 */
export type StartChildError =
  | 'already_present'
  | 'running'
  | 'restarting'
  | 'not_found'
  | 'simple_one_for_one'
  | AlreadyStarted
  | StartFailed
  | SpecError
  | ExitReason;

export interface StartFailed {
  readonly type: 'start_failed';
  readonly reason: ExitReason;
  readonly id: string;
}

export type ChildResult =
  | { readonly type: 'ok' }
  | { readonly type: 'error'; readonly reason: 'not_found' | 'running' | 'restarting' | 'simple_one_for_one' };

export type ChildSpecResult =
  | { readonly type: 'ok'; readonly spec: ChildSpec | ChildSpec<readonly unknown[]> }
  | { readonly type: 'error'; readonly reason: 'not_found' };

export type ChangeResult =
  | { readonly type: 'ok' }
  | { readonly type: 'error'; readonly reason: SpecError | BadStartSpec };

/** A dynamic supervisor has exactly one template. */
export interface BadStartSpec {
  readonly type: 'bad_start_spec';
  readonly ids: readonly unknown[];
}

/** One child as `whichChildren` lists it. `id` is `undefined` for an instance of a template. */
export interface ChildEntry {
  readonly id: string | undefined;
  readonly child: ProcessRef | 'restarting' | undefined;
  readonly type: 'worker' | 'supervisor';
}

export interface ChildCounts {
  readonly specs: number;
  /** Children that run. */
  readonly active: number;
  readonly supervisors: number;
  readonly workers: number;
}
