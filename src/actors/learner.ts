/**
 * `learner`: has the second layer trained when it is due or when the machine has changed, keeps every training as a version, publishes what is better than the
 * rules and than the model that serves, and lets it steer further, or takes it back, on what live traffic shows. Decisions never wait for it: while
 * it is down the cost model serves, or what was published last. It never waits for a training either: one runs at a time, beside its messages.
 */
import type { TrainingCause } from '../learning/model-version.ts';
import { levelOf } from '../learning/rollout.ts';
import { byPool } from '../metrics/by-pool.ts';
import type { TransferRecord } from '../metrics/record.ts';
import { type From, type GenServer, type Next, next, reply, type Self } from '../otp/index.ts';
import type {
  LearnerArgs,
  LearnerCall,
  LearnerInfo,
  LearnFrom,
  Order,
  PinVersion,
  PoolLearning,
  RollBack,
  TrainingOutcome,
  VersionOutcome,
} from './learner-messages.ts';
import { clearShelf, openVersion, prune, restoreShelf, saveState } from './learner-shelf.ts';
import { followConfiguration, observeRecords } from './learner-stages.ts';
import { newPoolLearner, type PoolLearner, publish } from './learner-state.ts';
import { dueCause, orderFor, serve, settle } from './learner-training.ts';
import { afterSystemMessage } from './system-message.ts';
import type { TrainOutcome } from './training-pool.ts';

interface Waiting {
  readonly cause: TrainingCause;
  readonly askers: From<TrainingOutcome>[];
}

interface State {
  readonly args: LearnerArgs;
  readonly pools: Map<string, PoolLearner>;
  /** Pools whose training waits for the one that runs. Bounded by the pools there are. */
  readonly queue: Map<string, Waiting>;
  running: { readonly pool: string; readonly askers: From<TrainingOutcome>[] } | undefined;
  readonly settling: From<'ok'>[];
  /** Records that wait their turn. */
  readonly backlog: TransferRecord[];
  skipped: number;
  restored: boolean;
}

type Learner = Self<LearnerCall, LearnFrom, LearnerInfo>;

/** Milliseconds between two looks which pool is due, and between two writes of what has changed. */
const LOOK_EVERY_MS = 5_000;
const RESTORE_AGAIN_MS = 1_000;
const PUBLISH_AGAIN_MS = 100;
/** Records that are looked at in one go: some milliseconds. */
const SLICE = 128;
const MAX_BACKLOG = 16_384;

export const learner: GenServer<LearnerArgs, State, LearnerCall, LearnFrom, LearnerInfo> = {
  async init(args, self) {
    self.trapExit(true);
    const state: State = {
      ...{ args, pools: new Map(), queue: new Map(), running: undefined, settling: [] },
      ...{ backlog: [], skipped: 0, restored: false },
    };
    await restore(state, self);
    self.sendAfter({ type: 'train_due' }, LOOK_EVERY_MS);
    return next.ok(state);
  },
  async handleCall(message, from, state, self) {
    const { args } = state;
    switch (message.type) {
      case 'train_model':
        enqueue(state, message.pool, 'request', from, self);
        return next.noreply(state);
      case 'cancel_training':
        if (state.running?.pool === message.pool) args.cancelTraining();
        return next.replyTo(message, 'ok', state);
      case 'get_learning':
        return next.replyTo(message, describe(state, message.pool), state);
      case 'get_versions':
        return next.replyTo(message, [...(state.pools.get(message.pool)?.versions ?? [])], state);
      case 'pin_version':
        return next.replyTo(message, await pin(state, message, self), state);
      case 'unpin_version':
        unpin(state, message.pool);
        return next.replyTo(message, 'ok', state);
      case 'roll_back':
        return next.replyTo(message, await rollBack(state, message, self), state);
      case 'clear_models':
        return next.replyTo(message, clear(state, message.pool), state);
      case 'settle':
        state.settling.push(from);
        answerSettled(state);
        return next.noreply(state);
      default:
        return message satisfies never;
    }
  },
  handleCast(message, state, self) {
    const { backlog } = state;
    const waits = backlog.length > 0;
    backlog.push(...message.records);
    const surplus = Math.max(0, backlog.length - MAX_BACKLOG);
    state.skipped += backlog.splice(0, surplus).length;
    if (!waits) goOn(state, self);
    return next.noreply(state);
  },
  async handleInfo(message, state, self): Promise<Next<State>> {
    switch (message.type) {
      case 'train_due':
        look(state, self);
        return next.noreply(state);
      case 'restore':
        await restore(state, self);
        return next.noreply(state);
      case 'publish':
        publishAll(state, self);
        return next.noreply(state);
      case 'go_on':
        goOn(state, self);
        return next.noreply(state);
      case 'trained':
        trained(state, message.order, message.outcome, self);
        return next.noreply(state);
      default:
        return afterSystemMessage(message, state);
    }
  },
  terminate(_reason, { args, pools }) {
    for (const own of pools.values()) saveState(args, own);
  },
};

function poolOf({ args, pools }: State, pool: string): PoolLearner {
  const known = pools.get(pool);
  if (known) return known;
  const fresh = newPoolLearner(pool, args.board.slot(pool));
  fresh.tokensAtMs = args.nowMs();
  // Bounded by the pools there are, which admission bounds.
  pools.set(pool, fresh);
  return fresh;
}

/** While the store is down nothing is known of earlier versions: it is asked again, and meanwhile the rules serve. */
async function restore(state: State, self: Learner): Promise<void> {
  const { args } = state;
  try {
    await self.wait(restoreShelf(args, (pool) => poolOf(state, pool)));
  } catch {
    self.sendAfter({ type: 'restore' }, RESTORE_AGAIN_MS);
    return;
  }
  state.restored = true;
  publishAll(state, self);
}

/** A model needs the cost model below it, which its pool's threshold manager publishes when it has started. */
function publishAll({ args, pools }: State, self: Learner): void {
  let waits = false;
  for (const own of pools.values()) {
    const slot = args.board.slot(own.pool);
    if (!slot) continue;
    followConfiguration(args, own, slot);
    publish(slot, own);
    if (own.serving !== undefined && slot.model === undefined) waits = true;
  }
  if (waits) self.sendAfter({ type: 'publish' }, PUBLISH_AGAIN_MS);
}

/** Takes a slice of the backlog; the rest after other messages, and other actors, had their turn. */
function goOn(state: State, self: Learner): void {
  observe(state, state.backlog.splice(0, SLICE), self);
  if (state.backlog.length > 0) self.send(self.ref, { type: 'go_on' });
  else answerSettled(state);
}

function observe(state: State, records: readonly TransferRecord[], self: Learner): void {
  const { args } = state;
  for (const [pool, own] of byPool(records)) {
    const slot = args.board.slot(pool);
    if (!slot) continue;
    const learner_ = poolOf(state, pool);
    // A change of the machine does not wait for the next look.
    if (observeRecords(args, learner_, slot, own) || learner_.drifted) trainIfDue(state, learner_, self);
  }
}

function look(state: State, self: Learner): void {
  for (const own of state.pools.values()) {
    const slot = state.args.board.slot(own.pool);
    if (slot) followConfiguration(state.args, own, slot);
    trainIfDue(state, own, self);
    saveState(state.args, own);
  }
  self.sendAfter({ type: 'train_due' }, LOOK_EVERY_MS);
}

function trainIfDue(state: State, own: PoolLearner, self: Learner): void {
  if (!state.restored || state.running?.pool === own.pool || state.queue.has(own.pool)) return;
  const cause = dueCause(state.args, own);
  if (cause !== undefined) enqueue(state, own.pool, cause, undefined, self);
}

/** Whoever asks while the pool is trained or waits for it gets the same answer. */
function enqueue(
  state: State,
  pool: string,
  cause: TrainingCause,
  asker: From<TrainingOutcome> | undefined,
  self: Learner,
): void {
  const askers = asker === undefined ? [] : [asker];
  if (state.running?.pool === pool) state.running.askers.push(...askers);
  else if (state.queue.has(pool)) state.queue.get(pool)?.askers.push(...askers);
  else state.queue.set(pool, { cause, askers });
  startNext(state, self);
}

function startNext(state: State, self: Learner): void {
  const { args, queue } = state;
  while (state.running === undefined) {
    const [first] = queue;
    if (first === undefined) {
      answerSettled(state);
      return;
    }
    const [pool, { cause, askers }] = first;
    queue.delete(pool);
    const own = poolOf(state, pool);
    const ordered = orderFor(args, own, cause);
    if (ordered === undefined) {
      own.trainings += 1;
      own.lastOutcome = 'nothing_stored';
      tell(state, pool, { type: 'nothing_stored' }, askers);
      continue;
    }
    const { order, task } = ordered;
    state.running = { pool, askers };
    args.train(task).then(
      (outcome) => void self.send(self.ref, { type: 'trained', order, outcome }),
      (error: unknown) => void self.send(self.ref, { type: 'trained', order, outcome: { type: 'failed', error } }),
    );
  }
}

function trained(state: State, order: Order, outcome: TrainOutcome, self: Learner): void {
  const askers = state.running?.askers ?? [];
  state.running = undefined;
  tell(state, order.pool, settle(state.args, poolOf(state, order.pool), order, outcome), askers);
  startNext(state, self);
}

function tell(state: State, pool: string, outcome: TrainingOutcome, askers: readonly From<TrainingOutcome>[]): void {
  state.args.onTrained(pool, outcome);
  for (const asker of askers) reply(asker, outcome);
}

function answerSettled({ running, queue, backlog, settling }: State): void {
  if (running !== undefined || queue.size > 0 || backlog.length > 0) return;
  for (const asker of settling.splice(0)) reply(asker, 'ok');
}

async function pin(state: State, { pool, version }: PinVersion, self: Learner): Promise<VersionOutcome> {
  const own = poolOf(state, pool);
  const before = own.pinned;
  own.pinned = version;
  const outcome = await serveVersion(state, own, version, `version ${version} was pinned`, self);
  if (outcome.type === 'refused') own.pinned = before;
  own.dirty = true;
  saveState(state.args, own);
  return outcome;
}

function unpin(state: State, pool: string): void {
  const own = poolOf(state, pool);
  own.pinned = undefined;
  own.dirty = true;
  prune(state.args, own);
  saveState(state.args, own);
}

async function rollBack(state: State, { pool, version }: RollBack, self: Learner): Promise<VersionOutcome> {
  const own = poolOf(state, pool);
  const serving = own.serving?.version.version ?? Number.POSITIVE_INFINITY;
  const earlier = own.versions.findLast((each) => each.outcome === 'published' && each.version < serving);
  const wanted = version ?? earlier?.version;
  if (wanted === undefined) return { type: 'refused', reason: 'there is no earlier published version' };
  own.pinned = undefined;
  const outcome = await serveVersion(state, own, wanted, `rolled back to version ${wanted}`, self);
  saveState(state.args, own);
  return outcome;
}

async function serveVersion(
  { args }: State,
  own: PoolLearner,
  version: number,
  evidence: string,
  self: Learner,
): Promise<VersionOutcome> {
  const known = own.versions.find((each) => each.version === version);
  if (known === undefined) return { type: 'refused', reason: `pool ${own.pool} has no version ${version}` };
  try {
    const opened = await self.wait(openVersion(args, own, known));
    if (opened.type === 'refused') return opened;
    serve(args, own, opened.serving, 'operator', evidence);
    return { type: 'ok', version: known };
  } catch (error) {
    return { type: 'refused', reason: error instanceof Error ? error.message : 'the store is down' };
  }
}

function clear(state: State, pool: string | undefined): number {
  let removed = 0;
  for (const own of state.pools.values()) {
    if (pool !== undefined && own.pool !== pool) continue;
    removed += clearShelf(state.args, own);
  }
  return removed;
}

function describe({ args, pools, running, skipped }: State, pool: string): PoolLearning | undefined {
  const own = pools.get(pool);
  if (!own) return undefined;
  const { pinned, steps, samples, trainings, lastOutcome, lastTrainingAtMs, driftAlarms, alarms, drifted } = own;
  const limits = args.board.slot(pool)?.costModel?.explorationLimits?.();
  return {
    modelId: own.serving?.version.modelId,
    version: own.serving?.version.version,
    ...levelOf(own.rollout),
    training: running?.pool === pool,
    steps: [...steps],
    alarms: [...alarms],
    ...{ pinned, samples, trainings, lastOutcome, lastTrainingAtMs, driftAlarms, drifted, skipped },
    exploration: limits && { spent: limits.spent ?? 0, budget: limits.budget ?? 0, mayExplore: limits.mayExplore },
  };
}
