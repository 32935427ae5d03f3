import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compareAll, type Difference, describeDifference } from '../../test/otp/conformance/compare.ts';
import { generateProcesses } from '../../test/otp/conformance/generate-processes.ts';
import type { JsonObject } from '../../test/otp/conformance/json.ts';
import { runProcessesScenario } from '../../test/otp/conformance/processes-runner.ts';
import { generate, runErlang } from '../../test/otp/conformance/reference.ts';
import { shrink } from '../../test/otp/conformance/shrink.ts';
import { runSupervisorScenario } from '../../test/otp/conformance/supervisor-runner.ts';

// Fresh random scenarios, on Erlang/OTP and on pitwall's own processes. A difference is made as small as it gets.
//   --family supervisor|processes (default supervisor)   --count N (default 1000)   --seed S (default: from the clock; it is printed)
//   --jobs J (scenarios that Erlang runs at a time, default 16)

const AT_ONCE = 1000;
const fixtures = fileURLToPath(new URL('../../test/otp/fixtures/', import.meta.url));

const { values } = parseArgs({
  options: {
    family: { type: 'string', default: 'supervisor' },
    count: { type: 'string', default: '1000' },
    seed: { type: 'string' },
    jobs: { type: 'string', default: '16' },
  },
});
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
const count = Number(values.count);
console.log(`seed ${seed}, ${count} scenarios`);

const isProcesses = values.family === 'processes';
const folder = isProcesses ? join(fixtures, 'processes') : fixtures;
const run = isProcesses ? runProcessesScenario : runSupervisorScenario;
const erlang = (some: readonly JsonObject[]) => runErlang(folder, some, Number(values.jobs));

const scenarios = isProcesses ? generateProcesses(seed, count) : await generate(fixtures, seed, count);
let identical = 0;
for (let from = 0; from < scenarios.length; from += AT_ONCE) {
  const batch = scenarios.slice(from, from + AT_ONCE);
  const differences = await compareAll(run, batch, await erlang(batch));
  identical += batch.length - differences.length;
  // Supervisors are determined; of processes Erlang leaves some orders open, so there a few may differ, and the rest is still compared.
  if (isProcesses) for (const difference of differences) console.log(`${describeDifference(difference)}\n`);
  else if (differences[0] !== undefined) await tell(differences[0]);
  console.log(`${identical}/${scenarios.length} identical`);
}
process.exit(identical === scenarios.length ? 0 : 1);

/** Shows a difference, as small as it gets, and ends. */
async function tell(difference: Difference): Promise<never> {
  const small = await shrink(difference, run, erlang);
  console.log(`${describeDifference(small)}\n\nthe scenario, made small:\n${JSON.stringify(small.scenario)}\n`);
  console.log(`${identical} identical before ${difference.name}`);
  process.exit(1);
}
