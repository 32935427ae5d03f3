/**
 * `npm run bench -- [suite ...] [--json]`: every figure, with its bar and its peers of the same run. Suites: doctor, hot-path, impact, learning, memory, otp, store,
 * transports;
 * without a name all of them. Run it while nothing else runs.
 */
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { run as doctor } from './doctor.bench.ts';
import { run as hotPath } from './hot-path.bench.ts';
import { run as impact } from './impact.bench.ts';
import { run as learning } from './learning.bench.ts';
import { run as memory } from './memory.bench.ts';
import { otpTable, runOtpBench } from './otp.bench.ts';
import type { BenchRow } from './row.ts';
import { run as store } from './store.bench.ts';
import { run as transports } from './transports.bench.ts';

const SUITES: Readonly<Record<string, (records?: number) => Promise<BenchRow[]>>> = {
  'hot-path': hotPath,
  learning,
  store,
  transports,
  impact,
  memory,
  doctor,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
});
const chosen = positionals.length > 0 ? positionals : [...Object.keys(SUITES), 'otp'];
const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`;
if (!values.json) console.log(`${machine}\n`);

const results: Record<string, unknown> = {};
for (const name of chosen) {
  if (name === 'otp') {
    const figures = await runOtpBench(fileURLToPath(new URL('otp_bench.erl', import.meta.url)));
    results.otp = figures;
    if (!values.json) console.log(`otp\n${otpTable(figures)}\n`);
    continue;
  }
  const suite = SUITES[name];
  if (!suite) throw new Error(`no suite "${name}"; there are: ${Object.keys(SUITES).join(', ')}, otp`);
  const rows = await suite();
  results[name] = rows;
  if (!values.json) console.log(`${name}\n${rows.map(line).join('\n')}\n`);
}
if (values.json) console.log(JSON.stringify({ machine, ...results }));

function line({ name, value, unit, peer, bar, holds }: BenchRow): string {
  const against =
    peer === undefined
      ? ''
      : `  (${peer.name} ${peer.value.toPrecision(4)}, ratio ${(value / peer.value).toPrecision(3)})`;
  const verdict = bar === undefined ? '' : `  ${bar} ${holds ? 'holds' : 'MISSED'}`;
  return `  ${name.padEnd(48)}${value.toPrecision(4).padStart(12)} ${unit.padEnd(8)}${verdict}${against}`;
}
