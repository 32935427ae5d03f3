import { fileURLToPath } from 'node:url';
import { otpTable, runOtpBench } from '../../bench/otp.bench.ts';

// The figures of pitwall/otp beside Erlang's and raw nact's, in one run.
console.log(otpTable(await runOtpBench(fileURLToPath(new URL('../../bench/otp_bench.erl', import.meta.url)))));
process.exit(0);
