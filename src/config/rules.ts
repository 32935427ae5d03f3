import { numberIn } from './fields.ts';
import { ACCEPTED_NAME, isName } from './names.ts';
import type { Path, Problems } from './problems.ts';
import { isPlainObject, readArray, readObject, readProperty } from './read.ts';
import { refuseUnknownKeys } from './section.ts';
import type { CompiledRule } from './types.ts';

const RULE_KEYS = ['name', 'priority', 'decide'];
const PRIORITY = { min: -1_000_000, max: 1_000_000 };
/** A pool with more rules than this would spend its decisions on them. */
const MOST_RULES = 100;

/** Custom rules in the order in which they are asked: by priority, highest first, equal ones as written. */
export function readRules(value: unknown, path: Path, problems: Problems): readonly CompiledRule[] {
  const elements = readArray(value, path, problems) ?? [];
  if (elements.length > MOST_RULES) {
    problems.add(path, `expected at most ${MOST_RULES} rules, got ${elements.length}`);
    return [];
  }
  const rules: CompiledRule[] = [];
  for (const [index, element] of elements.entries()) {
    const rule = readRule(element, [...path, index], problems);
    if (rule === undefined) continue;
    if (rules.some((other) => other.name === rule.name)) {
      problems.add([...path, index, 'name'], `expected a name of its own, got ${JSON.stringify(rule.name)} again`);
    }
    rules.push(rule);
  }
  return Object.freeze(rules.toSorted((a, b) => b.priority - a.priority));
}

function readRule(value: unknown, path: Path, problems: Problems): CompiledRule | undefined {
  if (typeof value !== 'object' || value === null) {
    problems.expected(path, 'a rule { name, priority, decide }', value);
    return undefined;
  }
  // A rule may be an instance of a class; only where it is a literal can a stray key be a misspelled one.
  const literal = isPlainObject(value) ? readObject(value, path, problems) : undefined;
  if (literal !== undefined) refuseUnknownKeys(literal, RULE_KEYS, path, problems);
  const read = (key: string): unknown =>
    literal === undefined ? readProperty(value, key, path, problems) : literal[key];
  const name = read('name');
  const priority = read('priority') ?? 0;
  const decide = read('decide');

  if (!isName(name)) problems.expected([...path, 'name'], ACCEPTED_NAME, name);
  const checkedPriority = numberIn(PRIORITY).safeParse(priority);
  if (!checkedPriority.success)
    problems.expected([...path, 'priority'], `a number in ${PRIORITY.min}..${PRIORITY.max}`, priority);
  if (typeof decide !== 'function') problems.expected([...path, 'decide'], 'a function', decide);
  if (!isName(name) || !checkedPriority.success || typeof decide !== 'function') return undefined;
  return Object.freeze({
    name,
    priority: checkedPriority.data,
    // What a rule returns is checked where it is used, on every call.
    decide: (context: unknown) => Reflect.apply(decide, value, [context]) as ReturnType<CompiledRule['decide']>,
  });
}
