// What a bad day looks like: an actor crashes every few seconds, and once a worker process is killed.
import { exit } from 'pitwall/otp';

const VICTIMS = ['controller', 'analyzer', 'recorder', 'resource_monitor', 'learner', 'metrics_store'];

/**
 * @param {{ runtime: any, workers: any, everyMs: number, onCrash: (what: string) => void }} options
 * @returns {() => void} stops it
 */
export function startChaos({ runtime, workers, everyMs, onCrash }) {
  let round = 0;
  const crash = setInterval(() => {
    const name = VICTIMS[round % VICTIMS.length] ?? 'controller';
    round += 1;
    const victim = runtime.whereis(name);
    if (!victim) return;
    exit(victim, 'chaos');
    onCrash(`actor ${name}`);
  }, everyMs);
  const kill = setTimeout(() => {
    const worker = workers.status().workers.find((/** @type {any} */ candidate) => candidate.pid !== undefined);
    if (!worker) return;
    process.kill(worker.pid, 'SIGKILL');
    onCrash(`worker process ${worker.pid}`);
  }, everyMs * 1.5);
  return () => {
    clearInterval(crash);
    clearTimeout(kill);
  };
}
