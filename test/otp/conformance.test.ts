import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compareAll, describeDifference, type Runner, readLines } from './conformance/compare.ts';
import { asList, asObject, type JsonObject } from './conformance/json.ts';
import { runProcessesScenario } from './conformance/processes-runner.ts';
import { runSupervisorScenario } from './conformance/supervisor-runner.ts';

// What Erlang/OTP 25 did in these scenarios is what pitwall's own processes must do, step for step.

const fixture = (name: string): JsonObject[] => readLines(fileURLToPath(new URL(`fixtures/${name}`, import.meta.url)));

async function differences(run: Runner, scenarios: JsonObject[], traces: JsonObject[]): Promise<string[]> {
  return (await compareAll(run, scenarios, traces)).map(describeDifference);
}

describe('Erlang/OTP traces', () => {
  const families: [name: string, run: Runner, file: string, count: number][] = [
    ['supervisors, written by hand', runSupervisorScenario, 'curated', 178],
    ['supervisors, random', runSupervisorScenario, 'golden', 600],
    ['processes, written by hand', runProcessesScenario, 'processes/curated', 98],
    ['processes, random', runProcessesScenario, 'processes/random', 300],
  ];

  it.each(families)('%s: identical', async (_name, run, file, count) => {
    const scenarios = fixture(`${file}.jsonl`);
    expect(scenarios).toHaveLength(count);
    expect(await differences(run, scenarios, fixture(`${file}.traces.jsonl`))).toEqual([]);
  });

  it('a trace that is not what happened is found: the comparison can fail', async () => {
    const [scenario] = fixture('curated.jsonl');
    const [trace] = fixture('curated.traces.jsonl');
    const steps = asList(trace?.steps).map((step, index) =>
      index === 3 ? { ...asObject(step), result: 'other' } : step,
    );
    const found = await differences(runSupervisorScenario, [scenario ?? {}], [{ ...trace, steps }]);
    expect(found).toEqual([expect.stringContaining('! "other"')]);
  });
});
