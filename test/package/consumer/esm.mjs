import { startRuntime } from 'pitwall';
import { startWorkerPool } from 'pitwall/transports';
import { scenario } from './scenario.mjs';

await scenario({ startRuntime, startWorkerPool }, new URL('./worker.mjs', import.meta.url));
