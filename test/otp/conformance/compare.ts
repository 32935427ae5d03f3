import { readFileSync } from 'node:fs';
import { asObject, asText, canonical, type Json, type JsonObject } from './json.ts';

/** Runs a scenario and gives its trace. */
export type Runner = (scenario: JsonObject) => Promise<Json>;

/** One scenario whose trace is not what it must be. */
export interface Difference {
  readonly name: string;
  readonly scenario: JsonObject;
  readonly expected: Json;
  readonly actual: Json;
}

export function readLines(file: string): JsonObject[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => asObject(JSON.parse(line)));
}

/** Runs all scenarios, `atOnce` side by side, and compares each trace with the one of the same line. */
export async function compareAll(
  run: Runner,
  scenarios: readonly JsonObject[],
  traces: readonly Json[],
  atOnce = 16,
): Promise<Difference[]> {
  const differences: (Difference | undefined)[] = [];
  let taken = 0;
  const work = async (): Promise<void> => {
    while (taken < scenarios.length) {
      const index = taken;
      taken += 1;
      const scenario = asObject(scenarios[index]);
      const actual = await traceOf(run, scenario);
      const expected = traces[index] ?? null;
      if (canonical(actual) !== canonical(expected)) {
        differences[index] = { name: asText(scenario.name), scenario, expected, actual };
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return differences.filter((difference) => difference !== undefined);
}

/** A scenario that fails to run has its failure as trace. */
export async function traceOf(run: Runner, scenario: JsonObject): Promise<Json> {
  try {
    return await run(scenario);
  } catch (error) {
    return {
      name: asText(scenario.name),
      failed: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  }
}

/** The first step in which two traces differ, field by field and line by line, side by side. */
export function describeDifference({ name, scenario, expected, actual }: Difference): string {
  const [want, got] = [stepsOf(expected), stepsOf(actual)];
  const index = Array.from({ length: Math.max(want.length, got.length) }).findIndex(
    (_, i) => canonical(want[i]) !== canonical(got[i]),
  );
  if (index < 0) return `${name}\n${canonical(actual)}`;
  // The first entry of a supervisor's trace is the start of the root.
  const ops = Array.isArray(scenario.steps) ? scenario.steps : [];
  const op = 'root' in scenario ? (index === 0 ? 'start' : canonical(ops[index - 1])) : canonical(ops[index]);
  const lines = [`${name}: step ${index}: ${op}`];
  const [a, b] = [fieldsOf(want[index]), fieldsOf(got[index])];
  for (const field of [...new Set([...Object.keys(a), ...Object.keys(b)])]) {
    if (canonical(a[field]) !== canonical(b[field])) lines.push(...sideBySide(field, a[field], b[field]));
  }
  return lines.join('\n');
}

function sideBySide(field: string, expected: Json | undefined, actual: Json | undefined): string[] {
  const [want, got] = [rowsOf(expected), rowsOf(actual)];
  const width = Math.max(24, ...want.map((row) => row.length));
  const rows = Array.from({ length: Math.max(want.length, got.length) }, (_, i) => {
    const [left, right] = [want[i] ?? '', got[i] ?? ''];
    return `    ${left === right ? ' ' : '!'} ${left.padEnd(width)} | ${right}`;
  });
  return [`  ${field}`, `      ${'Erlang/OTP'.padEnd(width)} | pitwall`, ...rows];
}

function rowsOf(value: Json | undefined): string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value.map(canonical) : [canonical(value)];
}

function stepsOf(trace: Json): readonly Json[] {
  const { steps } = asObject(trace);
  return Array.isArray(steps) ? steps : [];
}

function fieldsOf(step: Json | undefined): JsonObject {
  return step === undefined ? {} : asObject(step);
}
