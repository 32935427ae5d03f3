/**
 * `controller`: owns the pools' policies and the mode, sees to it that every pool has its threshold manager, and answers for the facade what
 * may be asked by message. A decision itself is a function call on published snapshots; while this actor is down, the hot path
 * answers gRPC (`controller_unavailable`).
 */
import type { PoolSnapshot } from '../decision/types.ts';
import type { JsonValue } from '../learning/types.ts';
import { type Call, type GenServer, next } from '../otp/index.ts';
import type { PoolSlot } from '../snapshots.ts';
import { type KeptMode, ModeSwitch } from './mode-switch.ts';
import { PolicyBook, type PolicyBookArgs } from './policy-book.ts';
import type {
  EnableRule,
  GetPolicyHistory,
  ModeSet,
  RollBackPolicy,
  RuleDisabled,
  SetMode,
  UpdatePolicy,
} from './policy-messages.ts';
import { afterSystemMessage } from './system-message.ts';

/** What the controller needs of the hot path, so that its messages can do all that the facade can. */
export interface HotPath {
  decide(request: unknown): JsonValue;
  record(transferId: string, metrics: unknown): void;
  statistics(pool: string): JsonValue | undefined;
  explain(transferId: string): JsonValue | undefined;
}

export interface ControllerArgs extends PolicyBookArgs {
  readonly hotPath: HotPath;
  /** Starts the pool's threshold manager unless it runs. Never rejects. */
  readonly ensureManager: (pool: string) => Promise<void>;
  /** What is stored of policies, and of the mode; rejects while the store is down. */
  readonly restorePolicies: () => Promise<readonly (readonly [pool: string, value: JsonValue])[]>;
  readonly mode: () => PoolSnapshot['mode'];
  /** The kill switch. */
  readonly setMode: (mode: PoolSnapshot['mode']) => void;
  /** Keeps the mode; undefined: nothing is kept any more. */
  readonly persistMode: (kept: JsonValue | undefined) => void;
  /** A mode that was set before the restart holds again. */
  readonly onModeRestored: (kept: KeptMode) => void;
}

export interface DecideTransferMethod extends Call<JsonValue> {
  readonly type: 'decide_transfer_method';
  readonly request: unknown;
}
export interface GetStatistics extends Call<JsonValue | undefined> {
  readonly type: 'get_statistics';
  readonly pool: string;
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
export interface EnsureManagers {
  readonly type: 'ensure_managers';
}

type PolicyCall = UpdatePolicy | RollBackPolicy | GetPolicyHistory | EnableRule;
export type ControllerCall = DecideTransferMethod | GetStatistics | SetMode | Explain | PolicyCall;
export type ControllerCast = RecordTransferMetrics | PoolCreated | RuleDisabled | ModeSet;

/** Milliseconds between two looks whether every pool has its threshold manager, and whether the store is back. */
const ENSURE_EVERY_MS = 1_000;

interface State {
  readonly args: ControllerArgs;
  readonly policies: PolicyBook;
  readonly modeSwitch: ModeSwitch;
}

export const controller: GenServer<ControllerArgs, State, ControllerCall, ControllerCast, EnsureManagers> = {
  async init(args, self) {
    self.trapExit(true);
    const state: State = { args, policies: new PolicyBook(args), modeSwitch: new ModeSwitch(args) };
    await restore(state);
    await ensureManagers(args);
    self.sendAfter({ type: 'ensure_managers' }, ENSURE_EVERY_MS);
    return next.ok(state);
  },
  handleCall(message, _from, state) {
    const { args } = state;
    switch (message.type) {
      case 'decide_transfer_method':
        return next.reply(args.hotPath.decide(message.request), state);
      case 'get_statistics':
        return next.reply(args.hotPath.statistics(message.pool), state);
      case 'explain':
        return next.reply(args.hotPath.explain(message.transferId), state);
      case 'set_mode':
        state.modeSwitch.set(message.mode, message);
        return next.reply('ok' as const, state);
      case 'update_policy':
      case 'roll_back_policy':
      case 'get_policy_history':
      case 'enable_rule':
        return next.reply(answerOnPolicy(state.policies, args.board.slot(message.pool), message), state);
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
        withSlot(state, message.pool, (slot) => state.policies.takeUp(slot));
        await args.ensureManager(message.pool);
        return next.noreply(state);
      case 'rule_disabled':
        withSlot(state, message.pool, (slot) => state.policies.ruleDisabled(slot, message.why));
        return next.noreply(state);
      case 'mode_set':
        state.modeSwitch.keep(message.mode, message);
        return next.noreply(state);
      default:
        return message satisfies never;
    }
  },
  async handleInfo(message, state, self) {
    switch (message.type) {
      case 'ensure_managers':
        if (!state.policies.restored) await restore(state);
        await ensureManagers(state.args);
        self.sendAfter({ type: 'ensure_managers' }, ENSURE_EVERY_MS);
        return next.noreply(state);
      default:
        return afterSystemMessage(message, state);
    }
  },
};

function answerOnPolicy(policies: PolicyBook, slot: PoolSlot | undefined, message: PolicyCall) {
  if (message.type === 'get_policy_history') return slot && policies.history(slot);
  if (slot === undefined) return { type: 'unknown_pool' } as const;
  switch (message.type) {
    case 'update_policy':
      return policies.update(slot, message);
    case 'roll_back_policy':
      return policies.rollBack(slot, message);
    case 'enable_rule':
      return policies.enableRule(slot, message.rule, message);
    default:
      return message satisfies never;
  }
}

function withSlot({ args }: State, pool: string, use: (slot: PoolSlot) => void): void {
  const slot = args.board.slot(pool);
  if (slot) use(slot);
}

async function ensureManagers(args: ControllerArgs): Promise<void> {
  for (const slot of args.board.slots()) await args.ensureManager(slot.pool);
}

/** While the store is down, what is published stays in force, and is looked for again later. */
async function restore({ args, policies, modeSwitch }: State): Promise<void> {
  let stored: Awaited<ReturnType<ControllerArgs['restorePolicies']>>;
  try {
    stored = await args.restorePolicies();
  } catch {
    return;
  }
  policies.restore(modeSwitch.restore(stored));
}
