import { parseArgs } from 'node:util';
import { compareAll, describeDifference, readLines } from '../../test/otp/conformance/compare.ts';
import { runProcessesScenario } from '../../test/otp/conformance/processes-runner.ts';
import { runSupervisorScenario } from '../../test/otp/conformance/supervisor-runner.ts';

// Runs scenarios on pitwall's own processes and compares their traces with those of Erlang/OTP.
//   --family supervisor|processes   --scenarios FILE   --traces FILE   --show N (differences shown, default 5)

const { values } = parseArgs({
  options: {
    family: { type: 'string', default: 'supervisor' },
    scenarios: { type: 'string' },
    traces: { type: 'string' },
    show: { type: 'string', default: '5' },
  },
});
if (values.scenarios === undefined || values.traces === undefined) {
  console.error('usage: npm run otp:conformance -- --scenarios FILE --traces FILE');
  process.exit(2);
}
const run = values.family === 'processes' ? runProcessesScenario : runSupervisorScenario;
const scenarios = readLines(values.scenarios);
const traces = readLines(values.traces);
const differences = await compareAll(run, scenarios, traces);
const total = Math.max(scenarios.length, traces.length);
const missing = Math.abs(scenarios.length - traces.length);
for (const difference of differences.slice(0, Number(values.show))) console.log(`${describeDifference(difference)}\n`);
if (missing > 0) console.log(`${scenarios.length} scenarios, but ${traces.length} traces`);
console.log(`${total - differences.length - missing}/${total} identical`);
process.exit(differences.length + missing === 0 ? 0 : 1);
