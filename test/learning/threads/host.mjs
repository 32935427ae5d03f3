/**
 * A host that starts a training, says which process trains, and ends by itself, closes it and ends, or is killed:
 * `node host.mjs ends | closes | 'is killed'`.
 */
import { fileURLToPath } from 'node:url';
import { TrainingPool } from '../../../dist/workers/training-pool.js';

const file = fileURLToPath(new URL('./misbehaving.mjs', import.meta.url));
const pool = new TrainingPool({ nowMs: () => performance.now(), file });
pool
  .train({ type: 'train_stored', path: '', pool: 'hangs', limit: 1, options: { statistic: 'median' } })
  .catch(() => {});
setTimeout(() => {
  const [pid] = pool.status.pids;
  process.stdout.write(`${pid}`, () => {
    if (process.argv[2] === 'is killed') process.kill(process.pid, 'SIGKILL');
    if (process.argv[2] === 'closes') void pool.close().then(() => process.stdout.write(' closed'));
  });
}, 300);
