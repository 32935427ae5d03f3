/** An alarm in words: what became slower, why most likely, and where to look. Pure. */
import type { TransferRecord } from '../record.ts';
import type { Regression } from './baseline-types.ts';
import type { Part, PartChange } from './bottleneck.ts';
import { type MedianInterval, medianInterval } from './robust.ts';
import { milliseconds, percent, spaced } from './words.ts';

/** How circumstances differ since it began. */
export interface CircumstanceChange {
  readonly circumstance: Circumstance;
  readonly before: number;
  readonly now: number;
}

const CIRCUMSTANCES = ['systemLoad', 'inFlight', 'dataSize', 'availableMemory'] as const;
type Circumstance = (typeof CIRCUMSTANCES)[number];

/** Changes of medians that are beyond doubt (95 % intervals apart) and large enough to matter. */
export function circumstanceChanges(
  before: readonly TransferRecord[],
  now: readonly TransferRecord[],
): CircumstanceChange[] {
  return CIRCUMSTANCES.flatMap((circumstance) => {
    const [then, since] = [before, now].map((records) => medianOf(records, circumstance));
    if (then === undefined || since === undefined || then.count < LEAST || since.count < LEAST) return [];
    const apart = since.low > then.high || since.high < then.low;
    return apart && matters(circumstance, then.median, since.median)
      ? [{ circumstance, before: then.median, now: since.median }]
      : [];
  });
}

export interface RegressionFacts {
  /** What is slower, as people name it: `pool ml: gRPC, tensor, 4 MiB..8 MiB`. */
  readonly name: string;
  readonly regression: Regression;
  /** As `explainRise` found it. */
  readonly parts?: readonly PartChange[] | undefined;
  /** What happened when it began, the nearest first; see `groupAlarms`. */
  readonly suspects?: readonly { readonly kind: string; readonly detail: string }[] | undefined;
  readonly circumstances?: readonly CircumstanceChange[] | undefined;
}

export interface RegressionAdvice {
  readonly summary: string;
  /** undefined where nothing points anywhere. */
  readonly likelyCause: string | undefined;
  readonly lookAt: string;
}

/**
 * A cause is named in the order of what it proves: what happened when it began, then circumstances that explain a rise, then the part that rose. All of them
 * are told where to look.
 */
export function describeRegression(facts: RegressionFacts): RegressionAdvice {
  const { suspects = [], circumstances = [], parts = [] } = facts;
  const certain = parts.filter(({ lowUs }) => lowUs > 0);
  const worse = circumstances.filter(slowsDown);
  const [suspect] = suspects;
  const [circumstance] = worse;
  const [part] = certain;
  const because = [
    suspect && `${suspect.kind}: ${suspect.detail}`,
    circumstance && inWords(circumstance),
    part && `${part.part} takes ${milliseconds(part.risenUs)} longer, ${percent(part.share)} of the rise`,
  ].filter((each) => each !== undefined);
  const places = [
    ...suspects.slice(0, MOST_NAMED).map(({ kind, detail }) => `what ${kind} changed (${detail})`),
    ...worse.map(({ circumstance: changed }) => LOOK_AT_CIRCUMSTANCE[changed]),
    ...certain.slice(0, 2).map((each) => LOOK_AT_PART[each.part]),
  ];
  return {
    summary: summaryOf(facts),
    likelyCause: because.length === 0 ? undefined : because.join('; '),
    lookAt: (places.length === 0 ? [NOTHING_KNOWN] : places).join('; '),
  };
}

function summaryOf({ name, regression }: RegressionFacts): string {
  const { ratio, baselineUs, currentUs, transfers, worsened } = regression;
  const slower = `${percent(ratio - 1)} slower than usual`;
  const again = worsened ? ', worse than when the alarm was raised' : '';
  return `${name}: ${slower}${again} (median ${milliseconds(baselineUs)} before, ${milliseconds(currentUs)} now, over ${spaced(transfers)} transfers)`;
}

const MOST_NAMED = 3;
const LEAST = 20;
const NOTHING_KNOWN =
  'nothing is known to have happened then: what else ran on the machine, and the handlers of the workers';

const LOOK_AT_PART: Readonly<Record<Part, string>> = {
  setup: 'shared memory: whether transfers find warm memory, how large the arena is, how much room is left',
  serialize: 'encoding in the host: shape and compression of the payloads, versions of the serializers, a CPU profile',
  transport: 'the way to the worker: its event loop, flow-control windows, load of the machine',
  worker: "the workers' handlers: what was changed in them, what they wait for",
  cleanup: 'giving shared memory back: references kept for long, reclaiming after crashes',
  wait: 'queueing: transfers in flight against workers, event-loop delay, garbage collection',
};

const LOOK_AT_CIRCUMSTANCE: Readonly<Record<Circumstance, string>> = {
  systemLoad: 'what else runs on the machine since then',
  inFlight: 'who sends more at a time, and whether there are enough workers',
  dataSize: 'who sends larger payloads',
  availableMemory: 'what takes the memory',
};

function medianOf(records: readonly TransferRecord[], circumstance: Circumstance): MedianInterval {
  return medianInterval(
    records.flatMap((record) => (record.outcome === 'success' ? (record[circumstance] ?? []) : [])),
  );
}

function matters(circumstance: Circumstance, before: number, now: number): boolean {
  if (circumstance === 'systemLoad') return Math.abs(now - before) >= 0.1;
  return Math.abs(now - before) >= 0.2 * before;
}

/** Less memory and more of everything else. */
function slowsDown({ circumstance, before, now }: CircumstanceChange): boolean {
  return circumstance === 'availableMemory' ? now < before : now > before;
}

function inWords({ circumstance, before, now }: CircumstanceChange): string {
  switch (circumstance) {
    case 'systemLoad':
      return `load of the machine rose from ${percent(before)} to ${percent(now)}`;
    case 'inFlight':
      return `transfers in flight rose from ${before} to ${now}`;
    case 'dataSize':
      return `payloads grew from ${spaced(before)} to ${spaced(now)} bytes`;
    case 'availableMemory':
      return `available memory fell from ${spaced(before / 1e6)} to ${spaced(now / 1e6)} MB`;
    default:
      return circumstance satisfies never;
  }
}
