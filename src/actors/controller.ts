/**
 * `controller`: owns the pools' policies and modes, sees to it that every pool has its threshold manager, and answers for the facade what
 * may be asked by message. A decision itself is a function call on published snapshots; while this actor is down, the hot path
 * answers gRPC (`controller_unavailable`).
 */
import { ConfigError } from '../config/config-error.ts';
import { parsePolicyPatch, toPolicyPatch } from '../config/parse.ts';
import type { PolicyPatch, PoolConfig } from '../config/types.ts';
import type { PoolSnapshot } from '../decision/types.ts';
import type { JsonValue } from '../learning/types.ts';
import { type Call, type GenServer, next } from '../otp/index.ts';
import type { PoolSlot, SnapshotBoard } from '../snapshots.ts';
import { afterSystemMessage } from './system-message.ts';

/** What the controller needs of the hot path, so that its messages can do all that the facade can. */
export interface HotPath {
  decide(request: unknown): JsonValue;
  record(transferId: string, metrics: unknown): void;
  statistics(pool: string): JsonValue | undefined;
  explain(transferId: string): JsonValue | undefined;
}

export interface ControllerArgs {
  readonly board: SnapshotBoard;
  readonly hotPath: HotPath;
  readonly nowMs: () => number;
  /** Starts the pool's threshold manager unless it runs. Never rejects. */
  readonly ensureManager: (pool: string) => Promise<void>;
  /** Tells the pool's threshold manager that bounds or goal changed. */
  readonly notifyManager: (pool: string) => void;
  /** Policies that were changed at run time; rejects while the store is down. */
  readonly restorePolicies: () => Promise<readonly (readonly [pool: string, value: JsonValue])[]>;
  /** Told of a policy that was changed at run time, in one line. */
  readonly onPolicyChanged: (pool: string, change: string) => void;
  readonly persistPolicy: (pool: string, value: JsonValue) => void;
  /** Puts a configuration into force: limits, policy (with its version) of the slot. */
  readonly publish: (slot: PoolSlot, config: PoolConfig, version: number) => void;
  /** The kill switch. */
  readonly setMode: (mode: PoolSnapshot['mode']) => void;
  /** A stored policy was not taken. */
  readonly onPolicySkipped: (pool: string, why: string) => void;
}

export interface DecideTransferMethod extends Call<JsonValue> {
  readonly type: 'decide_transfer_method';
  readonly request: unknown;
}
export interface GetStatistics extends Call<JsonValue | undefined> {
  readonly type: 'get_statistics';
  readonly pool: string;
}
export interface UpdatePolicy extends Call<UpdatePolicyOutcome> {
  readonly type: 'update_policy';
  readonly pool: string;
  readonly patch: PolicyPatch;
  readonly by: string | undefined;
  readonly why: string | undefined;
}
export interface SetMode extends Call<'ok'> {
  readonly type: 'set_mode';
  readonly mode: PoolSnapshot['mode'];
}
export interface Explain extends Call<JsonValue | undefined> {
  readonly type: 'explain';
  readonly transferId: string;
}
export interface RecordTransferMetrics {
  readonly type: 'record_transfer_metrics';
  readonly transferId: string;
  readonly metrics: unknown;
}
/** A request created a pool. */
export interface PoolCreated {
  readonly type: 'pool_created';
  readonly pool: string;
}
/** A custom rule was disabled; the policy goes on without it. */
export interface RuleDisabled {
  readonly type: 'rule_disabled';
  readonly pool: string;
}
export interface EnsureManagers {
  readonly type: 'ensure_managers';
}
export type UpdatePolicyOutcome =
  | { readonly type: 'ok'; readonly version: number }
  | { readonly type: 'unknown_pool' }
  | { readonly type: 'refused'; readonly error: ConfigError };

export type ControllerCall = DecideTransferMethod | GetStatistics | UpdatePolicy | SetMode | Explain;
export type ControllerCast = RecordTransferMetrics | PoolCreated | RuleDisabled;

/** Milliseconds between two looks whether every pool has its threshold manager. */
const ENSURE_EVERY_MS = 1_000;

interface State {
  readonly args: ControllerArgs;
}

export const controller: GenServer<ControllerArgs, State, ControllerCall, ControllerCast, EnsureManagers> = {
  async init(args, self) {
    self.trapExit(true);
    await restorePolicies(args);
    await ensureManagers(args);
    self.sendAfter({ type: 'ensure_managers' }, ENSURE_EVERY_MS);
    return next.ok({ args });
  },
  handleCall(message, _from, state) {
    const { args } = state;
    switch (message.type) {
      case 'decide_transfer_method':
        return next.reply(args.hotPath.decide(message.request), state);
      case 'get_statistics':
        return next.reply(args.hotPath.statistics(message.pool), state);
      case 'update_policy':
        return next.reply(updatePolicy(args, message), state);
      case 'set_mode':
        args.setMode(message.mode);
        return next.reply('ok' as const, state);
      case 'explain':
        return next.reply(args.hotPath.explain(message.transferId), state);
      default:
        return message satisfies never;
    }
  },
  async handleCast(message, state) {
    const { args } = state;
    switch (message.type) {
      case 'record_transfer_metrics':
        args.hotPath.record(message.transferId, message.metrics);
        return next.noreply(state);
      case 'pool_created':
        await args.ensureManager(message.pool);
        return next.noreply(state);
      case 'rule_disabled': {
        const slot = args.board.slot(message.pool);
        if (slot) args.publish(slot, slot.config, slot.policy.version + 1);
        return next.noreply(state);
      }
      default:
        return message satisfies never;
    }
  },
  async handleInfo(message, state, self) {
    switch (message.type) {
      case 'ensure_managers':
        await ensureManagers(state.args);
        self.sendAfter({ type: 'ensure_managers' }, ENSURE_EVERY_MS);
        return next.noreply(state);
      default:
        return afterSystemMessage(message, state);
    }
  },
};

async function ensureManagers(args: ControllerArgs): Promise<void> {
  for (const slot of args.board.slots()) await args.ensureManager(slot.pool);
}

function updatePolicy(args: ControllerArgs, message: UpdatePolicy): UpdatePolicyOutcome {
  const slot = args.board.slot(message.pool);
  if (!slot) return { type: 'unknown_pool' };
  let config: PoolConfig;
  try {
    config = parsePolicyPatch(message.patch, slot.config);
  } catch (error) {
    if (error instanceof ConfigError) return { type: 'refused', error };
    throw error;
  }
  const version = slot.policy.version + 1;
  args.publish(slot, config, version);
  args.notifyManager(slot.pool);
  args.onPolicyChanged(slot.pool, describeChange(version, message));
  args.persistPolicy(slot.pool, {
    version,
    basis: slot.basis,
    patch: storable(config),
    atMs: args.nowMs(),
    by: message.by ?? null,
    why: message.why ?? null,
  });
  return { type: 'ok', version };
}

function describeChange(version: number, { patch, by, why }: UpdatePolicy): string {
  const keys = Object.keys(patch).join(', ');
  return [`version ${version}: ${keys}`, by && `by ${by}`, why].filter(Boolean).join('; ');
}

/**
 * Policies that were changed at run time survive a restart, unless the code's own configuration of the pool has changed since: then the
 * code wins, and says so.
 */
async function restorePolicies(args: ControllerArgs): Promise<void> {
  let stored: Awaited<ReturnType<ControllerArgs['restorePolicies']>>;
  try {
    stored = await args.restorePolicies();
  } catch {
    return; // the store is down; what is published stays in force
  }
  for (const [pool, value] of stored) {
    const slot = args.board.slot(pool);
    // A version above the first was published in this run: newer than, or the same as, what is stored.
    if (slot && slot.policy.version === 1) restorePolicy(args, slot, value);
  }
}

function restorePolicy(args: ControllerArgs, slot: PoolSlot, value: JsonValue): void {
  if (typeof value !== 'object' || value === null || !('patch' in value) || typeof value.version !== 'number') {
    args.onPolicySkipped(slot.pool, 'the stored policy has another form');
    return;
  }
  if (value.basis !== slot.basis) {
    args.onPolicySkipped(slot.pool, 'the configuration of the pool has changed since');
    return;
  }
  try {
    args.publish(slot, parsePolicyPatch(value.patch, slot.config), value.version);
  } catch (error) {
    args.onPolicySkipped(slot.pool, error instanceof Error ? error.message : String(error));
  }
}

/** Custom rules are functions: they come from code at every start. */
function storable(config: PoolConfig): JsonValue {
  return JSON.parse(JSON.stringify(toPolicyPatch(config)));
}
