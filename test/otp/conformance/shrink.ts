import { type Difference, type Runner, traceOf } from './compare.ts';
import { canonical, isList, isObject, type Json, type JsonObject } from './json.ts';

/** What the real thing does in each of these scenarios. */
export type Reference = (scenarios: readonly JsonObject[]) => Promise<Json[]>;

/**
 * A scenario in which the traces still differ, and from which nothing can be left out: each round tries every scenario that lacks one
 * step, one child or one field, and goes on from the first that still differs.
 */
export async function shrink(first: Difference, run: Runner, reference: Reference): Promise<Difference> {
  let smallest = first;
  for (;;) {
    const smaller = await firstThatDiffers(variants(smallest.scenario), run, reference);
    if (smaller === undefined) return smallest;
    smallest = smaller;
  }
}

async function firstThatDiffers(
  scenarios: readonly JsonObject[],
  run: Runner,
  reference: Reference,
): Promise<Difference | undefined> {
  const expected = await reference(scenarios).catch(() => undefined);
  for (const [index, scenario] of scenarios.entries()) {
    // A scenario that the reference refuses spoils its whole batch: then each is tried by itself.
    const [want] = expected === undefined ? await reference([scenario]).catch(() => []) : [expected[index]];
    if (want === undefined) continue;
    const actual = await traceOf(run, scenario);
    if (canonical(actual) !== canonical(want)) {
      return { name: String(scenario.name), scenario, expected: want, actual };
    }
  }
  return undefined;
}

/** The scenario without one of its parts, larger parts first. */
export function variants(scenario: JsonObject): JsonObject[] {
  const found: JsonObject[] = [];
  for (const smaller of without(scenario)) if (isObject(smaller) && 'name' in smaller) found.push(smaller);
  return found;
}

/** Fields that give a part its meaning: without them it is another one, not a smaller one. */
const NEEDED = new Set(
  'name root steps tag return server message init register op start worker supervisor id child to reason spec args ms pid ops children'.split(
    ' ',
  ),
);
/** Lists of parts, with how many must be left. All other lists are terms. */
const PARTS: ReadonlyMap<string, number> = new Map([
  ['steps', 0],
  ['do', 0],
  ['children', 0],
  ['ops', 1],
  ['init', 1],
]);

function* without(json: Json): Generator<Json> {
  if (!isObject(json)) return;
  for (const [key, value] of Object.entries(json)) {
    const least = PARTS.get(key);
    if (least === undefined || !isList(value)) continue;
    if (value.length > least) for (let i = 0; i < value.length; i += 1) yield { ...json, [key]: value.toSpliced(i, 1) };
    for (const [i, element] of value.entries()) {
      for (const smaller of without(element)) yield { ...json, [key]: value.with(i, smaller) };
    }
  }
  for (const key of Object.keys(json)) {
    if (NEEDED.has(key)) continue;
    const { [key]: _left, ...rest } = json;
    yield rest;
  }
  for (const [key, value] of Object.entries(json)) {
    if (!isList(value)) for (const smaller of without(value)) yield { ...json, [key]: smaller };
  }
}
