/**
 * One training, kept: what came of it, from what, and how good it was. Beside it lie its bytes. What is read back is checked: a version that is not whole,
 * not of this machine, not of this layout, or too old is refused with the reason.
 */
import { checksum } from './compiled-trees.ts';
import type { Contest, HeldOutScore } from './held-out.ts';
import { LEARNER_KINDS, type LearnerKind, layoutOf } from './second-layer.ts';
import { checkedNumber, checkedRecord, checkedString, refuseState } from './state-check.ts';
import type { RivalScore, TrainingReport } from './training-report.ts';
import type { JsonValue } from './types.ts';

/** Why it was trained. */
export type TrainingCause = 'schedule' | 'drift' | 'request';
const CAUSES: readonly TrainingCause[] = ['schedule', 'drift', 'request'];

export interface ModelVersion {
  readonly pool: string;
  /** Counts up within the pool, over restarts. */
  readonly version: number;
  /** What decisions name. */
  readonly modelId: string;
  readonly learner: LearnerKind;
  /** `refused`: it was not better; kept all the same, to be looked at or pinned. */
  readonly outcome: 'published' | 'refused';
  /** What it was published for, or why it was refused; with figures. */
  readonly reason: string;
  readonly trainedAtMs: number;
  readonly cause: TrainingCause;
  readonly lineage: Lineage;
  readonly scores: Scores;
  /** Form of bytes and features. */
  readonly layout: string;
  readonly bytes: number;
  /** FNV-1a of the bytes. */
  readonly checksum: number;
}

export interface Lineage {
  /** The version that served when it was trained. */
  readonly parent: number | undefined;
  readonly rows: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly seed: number;
  readonly statistic: 'median' | 'mean';
  readonly options: JsonValue;
  /** Versions of what trained it, by name. */
  readonly libraries: Readonly<Record<string, string>>;
  /** Where it was trained: platform, architecture, processor. */
  readonly machine: string;
}

export interface Scores {
  readonly heldOut: HeldOutScore;
  readonly incumbent: { readonly challenged: Contest; readonly alone: Contest } | undefined;
  readonly validation: TrainingReport['validation'];
  readonly trees: TrainingReport['trees'];
  /** Of a network: rows that it saw, and epochs that it kept. */
  readonly network?: TrainingReport['network'];
  /** The other learner that was trained on the same rows, and this one against it. */
  readonly rival?: RivalScore | undefined;
}

/** What a version must fit to serve here and now. */
export interface Expectation {
  readonly machine: string;
  readonly statistic: 'median' | 'mean';
  readonly nowMs: number;
  readonly maxAgeMs: number;
}

/** Why a version may not serve; undefined: it may. `bytes`: what is stored of it. */
export function refusalOf(
  version: ModelVersion,
  bytes: Uint8Array | undefined,
  expected: Expectation,
): string | undefined {
  const { lineage, layout, learner, trainedAtMs } = version;
  if (bytes === undefined) return 'its bytes are missing';
  if (bytes.length !== version.bytes) return `truncated: ${bytes.length} bytes, expected ${version.bytes}`;
  if (checksum(bytes) !== version.checksum) return 'corrupted: the checksum is wrong';
  if (layout !== layoutOf(learner)) return `foreign: another layout (${layout})`;
  if (lineage.machine !== expected.machine)
    return `foreign: trained on ${lineage.machine}, this is ${expected.machine}`;
  const ageMs = expected.nowMs - trainedAtMs;
  if (ageMs > expected.maxAgeMs) return `stale: trained ${(ageMs / DAY_MS).toFixed(1)} days ago`;
  if (lineage.statistic !== expected.statistic)
    return `stale: trained for a goal that compares the ${lineage.statistic}`;
  return undefined;
}

const DAY_MS = 86_400_000;

/** Plain JSON: undefined is left out. */
export function versionToJson(version: ModelVersion): JsonValue {
  return JSON.parse(JSON.stringify(version));
}

const MAX_TEXT = 4_096;
const MAX_NUMBER = Number.MAX_SAFE_INTEGER;

/** @throws PitwallError `PITWALL_INVALID_STATE` for what `versionToJson` cannot have made */
export function versionFromJson(value: unknown): ModelVersion {
  const root = checkedRecord('version', value);
  const lineage = checkedRecord('lineage', root.lineage);
  const scores = checkedRecord('scores', root.scores);
  return {
    pool: checkedString('pool', root.pool, MAX_TEXT),
    version: checkedNumber('version', root.version, 1, MAX_NUMBER),
    modelId: checkedString('modelId', root.modelId, MAX_TEXT),
    learner: oneOf('learner', root.learner, LEARNER_KINDS),
    outcome: oneOf('outcome', root.outcome, ['published', 'refused'] as const),
    reason: checkedString('reason', root.reason, MAX_TEXT),
    trainedAtMs: checkedNumber('trainedAtMs', root.trainedAtMs, 0, MAX_NUMBER),
    cause: oneOf('cause', root.cause, CAUSES),
    layout: checkedString('layout', root.layout, MAX_TEXT),
    bytes: checkedNumber('bytes', root.bytes, 0, MAX_NUMBER),
    checksum: checkedNumber('checksum', root.checksum, 0, 2 ** 32),
    lineage: checkedLineage(lineage),
    scores: {
      heldOut: checkedHeldOut(scores.heldOut),
      incumbent: scores.incumbent === undefined ? undefined : checkedIncumbent(scores.incumbent),
      validation: checkedValidation(scores.validation),
      trees: checkedPair('trees', scores.trees),
      ...(scores.network !== undefined && { network: checkedNetwork(scores.network) }),
      ...(scores.rival !== undefined && { rival: checkedRival(scores.rival) }),
    },
  };
}

function checkedLineage(lineage: Readonly<Record<string, unknown>>): Lineage {
  const libraries = Object.entries(checkedRecord('libraries', lineage.libraries));
  return {
    parent: lineage.parent === undefined ? undefined : checkedNumber('parent', lineage.parent, 1, MAX_NUMBER),
    rows: checkedNumber('rows', lineage.rows, 0, MAX_NUMBER),
    fromMs: checkedNumber('fromMs', lineage.fromMs, -MAX_NUMBER, MAX_NUMBER),
    toMs: checkedNumber('toMs', lineage.toMs, -MAX_NUMBER, MAX_NUMBER),
    seed: checkedNumber('seed', lineage.seed, -MAX_NUMBER, MAX_NUMBER),
    statistic: oneOf('statistic', lineage.statistic, ['median', 'mean'] as const),
    options: JSON.parse(JSON.stringify(lineage.options ?? null)),
    libraries: Object.fromEntries(libraries.map(([name, version]) => [name, checkedString(name, version, 256)])),
    machine: checkedString('machine', lineage.machine, MAX_TEXT),
  };
}

function checkedContest(field: string, value: unknown): Contest {
  const { rows, difference, standardError, disagreement } = checkedRecord(field, value);
  return {
    rows: checkedNumber('rows', rows, 0, MAX_NUMBER),
    difference: checkedNumber('difference', difference, -MAX_NUMBER, MAX_NUMBER),
    standardError: checkedNumber('standardError', standardError, 0, MAX_NUMBER),
    disagreement: checkedNumber('disagreement', disagreement, 0, 1),
  };
}

function checkedHeldOut(value: unknown): HeldOutScore {
  const { medianError } = checkedRecord('heldOut', value);
  return { ...checkedContest('heldOut', value), medianError: checkedErrors('medianError', medianError) };
}

function checkedIncumbent(value: unknown): NonNullable<Scores['incumbent']> {
  const { challenged, alone } = checkedRecord('incumbent', value);
  return { challenged: checkedContest('challenged', challenged), alone: checkedContest('alone', alone) };
}

function checkedValidation(value: unknown): TrainingReport['validation'] {
  const { grpc, zeroCopy } = checkedRecord('validation', value);
  return { grpc: checkedErrors('validation.grpc', grpc), zeroCopy: checkedErrors('validation.zeroCopy', zeroCopy) };
}

function checkedErrors(field: string, value: unknown): { readonly costModel: number; readonly withModel: number } {
  // Versions that were stored before there was a second learner say `withTrees`.
  const { costModel, withTrees, withModel = withTrees } = checkedRecord(field, value);
  return {
    costModel: checkedNumber(`${field}.costModel`, costModel, 0, MAX_NUMBER),
    withModel: checkedNumber(`${field}.withModel`, withModel, 0, MAX_NUMBER),
  };
}

function checkedNetwork(value: unknown): NonNullable<TrainingReport['network']> {
  const { rows, epochs } = checkedRecord('network', value);
  return { rows: checkedNumber('rows', rows, 0, MAX_NUMBER), epochs: checkedNumber('epochs', epochs, 0, MAX_NUMBER) };
}

function checkedRival(value: unknown): RivalScore {
  const { learner, challenged } = checkedRecord('rival', value);
  return {
    learner: oneOf('rival.learner', learner, LEARNER_KINDS),
    challenged: checkedContest('rival.challenged', challenged),
  };
}

function checkedPair(field: string, value: unknown): TrainingReport['trees'] {
  const { grpc, zeroCopy } = checkedRecord(field, value);
  return {
    grpc: checkedNumber(`${field}.grpc`, grpc, 0, MAX_NUMBER),
    zeroCopy: checkedNumber(`${field}.zeroCopy`, zeroCopy, 0, MAX_NUMBER),
  };
}

function oneOf<T extends string>(field: string, value: unknown, accepted: readonly T[]): T {
  return accepted.find((each) => each === value) ?? refuseState(field, value, accepted.join(', '));
}

/** How many trainings of a pool are kept: of each outcome so many. */
export const VERSIONS_KEPT = 12;

/** Versions that go, oldest first: beyond the bound of their outcome, and neither pinned nor serving. */
export function surplus(versions: readonly ModelVersion[], keep: ReadonlySet<number>): readonly ModelVersion[] {
  return (['published', 'refused'] as const).flatMap((outcome) => {
    const all = versions.filter((each) => each.outcome === outcome).sort((a, b) => a.version - b.version);
    const free = all.filter((each) => !keep.has(each.version));
    return free.slice(0, Math.max(0, all.length - VERSIONS_KEPT));
  });
}
