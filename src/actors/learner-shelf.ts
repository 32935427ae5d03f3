/**
 * The learner's versions, as they lie in the store under `models`:
 *
 *   "ml"                 JSON: which one serves, which is pinned, how far it has climbed
 *   "ml" 000012          JSON: a version
 *   "ml" 000012 model    its bytes
 */
import { BoostedModel, type StoredResiduals } from '../learning/boosted-model.ts';
import { type ModelVersion, refusalOf, surplus, versionFromJson, versionToJson } from '../learning/model-version.ts';
import { LEVELS, type RolloutState } from '../learning/rollout.ts';
import { checkedNumber, checkedNumbers, checkedRecord } from '../learning/state-check.ts';
import type { JsonValue } from '../learning/types.ts';
import type { LearnerArgs } from './learner-messages.ts';
import { type PoolLearner, publish, type Serving, statisticOf } from './learner-state.ts';

const STATE_SCHEMA = 1;
const MAX_AGE_MS = 30 * 86_400_000;

/** Everything that was stored, into pools that `learnerOf` makes. What cannot be read is refused, told, and left out. */
export async function restoreShelf(args: LearnerArgs, learnerOf: (pool: string) => PoolLearner): Promise<void> {
  const states: { own: PoolLearner; state: JsonValue }[] = [];
  for (const [key, value] of await args.store.entries()) {
    const { pool, isVersion } = readKey(key);
    if (pool === undefined) continue;
    const own = learnerOf(pool);
    if (!isVersion) states.push({ own, state: value });
    else {
      try {
        own.versions.push(versionFromJson(value));
      } catch (error) {
        refuse(args, pool, `a stored version (${key})`, error);
      }
    }
  }
  for (const { own, state } of states) {
    own.versions.sort((a, b) => a.version - b.version);
    own.nextVersion = Math.max(own.nextVersion, (own.versions.at(-1)?.version ?? 0) + 1);
    await restorePool(args, own, state);
  }
}

async function restorePool(args: LearnerArgs, own: PoolLearner, stored: JsonValue): Promise<void> {
  let state: StoredState;
  try {
    state = readState(stored);
  } catch (error) {
    refuse(args, own.pool, 'what was stored of its rollout', error);
    return;
  }
  own.nextVersion = Math.max(own.nextVersion, state.next);
  own.pinned = state.pinned;
  own.lastTrainingAtMs = state.lastTrainingAtMs;
  const version = own.versions.find((each) => each.version === state.serving);
  if (state.serving === undefined) return;
  if (version === undefined) {
    refuse(args, own.pool, `version ${state.serving}`, 'it is not stored any more');
    return;
  }
  const opened = await openVersion(args, own, version, state.residuals);
  if (opened.type === 'refused') {
    refuse(args, own.pool, version.modelId, opened.reason);
    return;
  }
  own.serving = opened.serving;
  own.rollout = state.rollout;
}

export type Opened =
  | { readonly type: 'opened'; readonly serving: Serving }
  | { readonly type: 'refused'; readonly reason: string };

/** Reads a version's bytes and checks all of it. Pinned ones may be old, or of another goal; never damaged or foreign. */
export async function openVersion(
  args: LearnerArgs,
  own: PoolLearner,
  version: ModelVersion,
  residuals?: StoredResiduals,
): Promise<Opened> {
  const key = bytesKey(own.pool, version.version);
  const found = (await args.store.bytes(key)).find(([name]) => name === key);
  const slot = args.board.slot(own.pool);
  const wanted = own.pinned === version.version;
  const expected = {
    machine: args.machine,
    statistic: slot === undefined || wanted ? version.lineage.statistic : statisticOf(slot),
    nowMs: args.nowMs(),
    maxAgeMs: wanted ? Number.POSITIVE_INFINITY : MAX_AGE_MS,
  };
  const reason = refusalOf(version, found?.[1], expected);
  if (reason !== undefined || found === undefined) return { type: 'refused', reason: reason ?? 'missing' };
  const buffer = found[1].slice().buffer;
  try {
    return { type: 'opened', serving: { version, buffer, model: modelOf(version, buffer, residuals) } };
  } catch (error) {
    return { type: 'refused', reason: error instanceof Error ? error.message : String(error) };
  }
}

/** @throws PitwallError `PITWALL_INVALID_MODEL` for bytes that are no model, or a damaged one */
export function modelOf(version: ModelVersion, buffer: ArrayBuffer, residuals?: StoredResiduals): BoostedModel {
  const { modelId, learner } = version;
  return new BoostedModel(buffer, { modelId, learner, requiredConfidence: 1, ...(residuals && { residuals }) });
}

/** Stores a new version, bytes first: a version whose bytes are not there is refused. The oldest that nobody needs goes. */
export function keepVersion(args: LearnerArgs, own: PoolLearner, version: ModelVersion, buffer: ArrayBuffer): void {
  args.store.putBytes(bytesKey(own.pool, version.version), new Uint8Array(buffer));
  args.store.put(versionKey(own.pool, version.version), versionToJson(version));
  own.versions.push(version);
  own.nextVersion = version.version + 1;
  own.dirty = true;
}

export function prune(args: LearnerArgs, own: PoolLearner): void {
  const keep = new Set([own.pinned, own.serving?.version.version].filter((each) => each !== undefined));
  for (const { version } of surplus(own.versions, keep)) remove(args, own, version);
}

/** Forgets every version. @returns how many there were */
export function clearShelf(args: LearnerArgs, own: PoolLearner): number {
  const { length } = own.versions;
  for (const { version } of [...own.versions]) remove(args, own, version);
  own.pinned = undefined;
  own.serving = undefined;
  own.rollout = { level: 0, demotions: 0 };
  own.generation += 1;
  own.dirty = true;
  saveState(args, own);
  const slot = args.board.slot(own.pool);
  if (slot) publish(slot, own);
  return length;
}

function remove(args: LearnerArgs, own: PoolLearner, version: number): void {
  args.store.remove(versionKey(own.pool, version));
  args.store.remove(bytesKey(own.pool, version));
  own.versions = own.versions.filter((each) => each.version !== version);
}

/** What a restart goes on from. Nothing where nothing has changed. */
export function saveState(args: LearnerArgs, own: PoolLearner): void {
  if (!own.dirty) return;
  own.dirty = false;
  const { serving, pinned, rollout, nextVersion, lastTrainingAtMs } = own;
  const residuals = serving?.model.residuals();
  args.store.put(stateKey(own.pool), {
    schema: STATE_SCHEMA,
    next: nextVersion,
    ...(serving && { serving: serving.version.version }),
    ...(pinned !== undefined && { pinned }),
    ...(lastTrainingAtMs !== undefined && { lastTrainingAtMs }),
    rollout: { ...rollout },
    ...(residuals && { residuals: { ...residuals } }),
  });
}

interface StoredState {
  readonly next: number;
  readonly serving: number | undefined;
  readonly pinned: number | undefined;
  readonly lastTrainingAtMs: number | undefined;
  readonly rollout: RolloutState;
  readonly residuals: StoredResiduals | undefined;
}

const MAX_COUNT = Number.MAX_SAFE_INTEGER;
const MAX_RESIDUALS = 10_000;

/** @throws PitwallError `PITWALL_INVALID_STATE` */
function readState(value: JsonValue): StoredState {
  const root = checkedRecord('state', value);
  checkedNumber('schema', root.schema, STATE_SCHEMA, STATE_SCHEMA);
  const { level, demotions } = checkedRecord('rollout', root.rollout);
  const count = (field: string): number | undefined =>
    root[field] === undefined ? undefined : checkedNumber(field, root[field], 0, MAX_COUNT);
  return {
    next: checkedNumber('next', root.next, 1, MAX_COUNT),
    serving: count('serving'),
    pinned: count('pinned'),
    lastTrainingAtMs: count('lastTrainingAtMs'),
    rollout: {
      level: Math.floor(checkedNumber('level', level, 0, LEVELS.length - 1)),
      demotions: checkedNumber('demotions', demotions, 0, MAX_COUNT),
    },
    residuals: root.residuals === undefined ? undefined : readResiduals(root.residuals),
  };
}

function readResiduals(value: unknown): StoredResiduals {
  const { grpc, zeroCopy } = checkedRecord('residuals', value);
  const list = (field: string, values: unknown): number[] =>
    checkedNumbers(field, values, [0, MAX_RESIDUALS], [-50, 50]);
  return { grpc: list('grpc', grpc), zeroCopy: list('zeroCopy', zeroCopy) };
}

function refuse(args: LearnerArgs, pool: string, what: string, reason: unknown): void {
  args.onRefused(pool, what, reason instanceof Error ? reason.message : String(reason));
}

function stateKey(pool: string): string {
  return JSON.stringify(pool);
}

function versionKey(pool: string, version: number): string {
  return `${JSON.stringify(pool)} ${String(version).padStart(6, '0')}`;
}

function bytesKey(pool: string, version: number): string {
  return `${versionKey(pool, version)} model`;
}

/** `pool` undefined: somebody else's key. */
function readKey(key: string): { readonly pool: string | undefined; readonly isVersion: boolean } {
  const match = /^("(?:[^"\\]|\\.)*")( \d+)?$/.exec(key);
  if (match?.[1] === undefined) return { pool: undefined, isVersion: false };
  try {
    const pool: unknown = JSON.parse(match[1]);
    return { pool: typeof pool === 'string' ? pool : undefined, isVersion: match[2] !== undefined };
  } catch {
    return { pool: undefined, isVersion: false };
  }
}
