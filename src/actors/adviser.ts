/**
 * `adviser`: keeps the alerts that are active (raised by whoever saw something, deduplicated by their key, resolved when over), and what could be
 * done better: recommendations, and what became of those that were followed. It tells the host's logger, listeners and webhook, each alert once until
 * it is resolved, or has become critical.
 */
import type { JsonValue } from '../learning/types.ts';
import { type Call, type GenServer, next, type Self } from '../otp/index.ts';
import { type AdviceCall, AdviceDesk, type AdviceDeskArgs, type AdviceInfo } from './advice-desk.ts';
import type { Alert, AlertContent, AlertTable, PastAlert } from './adviser-alerts.ts';
import { type CountsInput, CountsWatch } from './adviser-counts.ts';
import type { AlertKind } from './adviser-kinds.ts';
import { afterSystemMessage } from './system-message.ts';

export type { Alert, AlertContent, PastAlert } from './adviser-alerts.ts';
export type { AlertKind } from './adviser-kinds.ts';

export interface RaiseAlert extends AlertContent {
  readonly type: 'raise_alert';
}
export interface ResolveAlert {
  readonly type: 'resolve_alert';
  readonly key: string;
}
/** All of a kind in a pool are over. */
export interface ResolveAlerts {
  readonly type: 'resolve_alerts';
  readonly kind: AlertKind;
  readonly pool: string | undefined;
}
export interface GetAlerts extends Call<readonly Alert[]> {
  readonly type: 'get_alerts';
}
export interface GetAlertHistory extends Call<readonly PastAlert[]> {
  readonly type: 'get_alert_history';
}
/** Hands what is active to the store at once. */
export interface PersistAlerts extends Call<'ok'> {
  readonly type: 'persist_alerts';
}
export interface LookAtAlerts {
  readonly type: 'look';
}
export interface RestoreAlerts {
  readonly type: 'restore';
}

export type AdviserCall = GetAlerts | GetAlertHistory | PersistAlerts | AdviceCall;
export type AdviserCast = RaiseAlert | ResolveAlert | ResolveAlerts;
export type AdviserInfo = LookAtAlerts | RestoreAlerts | AdviceInfo;

export interface AdviserArgs {
  readonly nowMs: () => number;
  /** Outlives a crash of the adviser, who alone writes to it. */
  readonly table: AlertTable;
  /** What was to be said while there was no adviser; taken once. */
  readonly takePending: () => readonly AdviserCast[];
  readonly counts: () => Omit<CountsInput, 'atMs'>;
  readonly storage: {
    /** Rejects while the store is down. */
    restore(): Promise<JsonValue | undefined>;
    persist(value: JsonValue): void;
  };
  readonly onRaised: (alert: Alert) => void;
  readonly onResolved: (alert: PastAlert) => void;
  readonly advice: AdviceDeskArgs;
}

interface State {
  readonly args: AdviserArgs;
  readonly counts: CountsWatch;
  readonly desk: AdviceDesk;
}

type Adviser = Self<AdviserCall, AdviserCast, AdviserInfo>;

const LOOK_EVERY_MS = 5_000;
const RESTORE_AGAIN_MS = 2_000;

export const adviser: GenServer<AdviserArgs, State, AdviserCall, AdviserCast, AdviserInfo> = {
  init(args, self) {
    self.trapExit(true);
    const state: State = { args, counts: new CountsWatch(), desk: new AdviceDesk(args.advice, self) };
    for (const message of args.takePending()) follow(args, message);
    state.counts.observe({ atMs: args.nowMs(), ...args.counts() });
    if (!args.table.restored) self.sendAfter({ type: 'restore' }, 0);
    self.sendAfter({ type: 'look' }, LOOK_EVERY_MS);
    return next.ok(state);
  },
  handleCall(message, from, state) {
    const { table } = state.args;
    switch (message.type) {
      case 'get_alerts':
        return next.reply(table.active(), state);
      case 'get_alert_history':
        return next.reply(table.past(), state);
      case 'persist_alerts':
        persist(state);
        return next.reply('ok' as const, state);
      default:
        state.desk.answer(message, from);
        return next.noreply(state);
    }
  },
  handleCast(message, state) {
    follow(state.args, message);
    return next.noreply(state);
  },
  async handleInfo(message, state, self) {
    switch (message.type) {
      case 'look':
        look(state, self);
        return next.noreply(state);
      case 'restore':
        await restore(state, self);
        return next.noreply(state);
      case 'advise':
        state.desk.work();
        return next.noreply(state);
      default:
        return afterSystemMessage(message, state);
    }
  },
  terminate: (_reason, state) => persist(state),
};

function follow(args: AdviserArgs, message: AdviserCast): void {
  switch (message.type) {
    case 'raise_alert': {
      const { type: _type, ...content } = message;
      raise(args, content);
      return;
    }
    case 'resolve_alert': {
      const over = args.table.resolve(message.key, args.nowMs());
      if (over) args.onResolved(over);
      return;
    }
    case 'resolve_alerts':
      for (const over of args.table.resolveAll(message.kind, message.pool, args.nowMs())) args.onResolved(over);
      return;
    default:
      message satisfies never;
  }
}

function raise({ table, nowMs, onRaised }: AdviserArgs, content: AlertContent): void {
  const { raised, alert } = table.raise(content, nowMs());
  if (raised !== 'known') onRaised(alert);
}

/** Raises what counters tell, ends what has been quiet, and keeps what has changed. */
function look(state: State, self: Adviser): void {
  const { args, counts } = state;
  const atMs = args.nowMs();
  for (const content of counts.observe({ atMs, ...args.counts() })) raise(args, content);
  for (const over of args.table.expire(atMs)) args.onResolved(over);
  persist(state);
  self.sendAfter({ type: 'look' }, LOOK_EVERY_MS);
}

function persist({ args: { table, storage } }: State): void {
  if (table.restored && table.takeDirty()) storage.persist(table.toJson());
}

async function restore(state: State, self: Adviser): Promise<void> {
  const { args } = state;
  try {
    const stored = await self.wait(args.storage.restore());
    for (const over of args.table.restore(stored, args.nowMs())) args.onResolved(over);
  } catch {
    self.sendAfter({ type: 'restore' }, RESTORE_AGAIN_MS);
  }
}
