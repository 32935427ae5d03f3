import { parseArgs } from 'node:util';
import { soak } from '../../test/otp/soak.ts';

// Random crashes over a three-level tree for a long time: --seconds N (default 600), --seed S, --rate R (crashes a second, default 1000).

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    seed: { type: 'string' },
    rate: { type: 'string', default: '1000' },
  },
});
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
console.log(`seed ${seed}, ${values.seconds} s`);
const report = await soak({ seconds: Number(values.seconds), seed, crashesPerSecond: Number(values.rate) });
console.log(report);
const flat = report.heapMb[1] < report.heapMb[0] * 1.2 + 5 && report.handles[1] <= report.handles[0];
const sound = report.lost === 0 && report.unhandledRejections === 0;
console.log(flat && sound ? 'nothing was left behind' : 'something was left behind');
process.exit(flat && sound ? 0 : 1);
