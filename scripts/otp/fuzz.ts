import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compareAll, describeDifference } from '../../test/otp/conformance/compare.ts';
import { generate, runErlang } from '../../test/otp/conformance/reference.ts';
import { shrink } from '../../test/otp/conformance/shrink.ts';
import { runSupervisorScenario } from '../../test/otp/conformance/supervisor-runner.ts';

// Fresh random scenarios, on Erlang/OTP and on pitwall's supervisors. A difference is made as small as it gets.
//   --count N (default 1000)   --seed S (default: from the clock; it is printed)   --jobs J (scenarios that Erlang runs at a time)

const AT_ONCE = 1000;
const fixtures = fileURLToPath(new URL('../../test/otp/fixtures/', import.meta.url));

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000' },
    seed: { type: 'string' },
    jobs: { type: 'string', default: '16' },
  },
});
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
const count = Number(values.count);
console.log(`seed ${seed}, ${count} scenarios`);

const erlang = (some: Parameters<typeof runErlang>[1]) => runErlang(fixtures, some, Number(values.jobs));
const scenarios = await generate(fixtures, seed, count);
let identical = 0;
for (let from = 0; from < scenarios.length; from += AT_ONCE) {
  const batch = scenarios.slice(from, from + AT_ONCE);
  const differences = await compareAll(runSupervisorScenario, batch, await erlang(batch));
  identical += batch.length - differences.length;
  const [first] = differences;
  if (first !== undefined) {
    const small = await shrink(first, runSupervisorScenario, erlang);
    console.log(`${describeDifference(small)}\n\nthe scenario, made small:\n${JSON.stringify(small.scenario)}\n`);
    console.log(`${identical} identical before ${differences.map(({ name }) => name).join(', ')}`);
    process.exit(1);
  }
  console.log(`${identical}/${scenarios.length} identical`);
}
process.exit(0);
