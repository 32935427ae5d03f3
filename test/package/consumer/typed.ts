import { startRuntime } from 'pitwall';
import { startWorkerPool } from 'pitwall/transports';

const runtime = await startRuntime({ pools: [{ name: 'ml', goal: 'minimize_latency' }] });
const workers = await startWorkerPool(runtime, {
  pool: 'ml',
  size: 1,
  script: new URL('./worker.mjs', import.meta.url),
});
const result: unknown = await workers.execute('sum', new Float64Array(8));
const decision = runtime.decideTransferMethod({ pool: 'ml', dataSize: 48e6, dataType: 'tensor', format: 'numpy' });
const lane: 'zero_copy' | 'grpc' = decision.method;
runtime.recordTransferMetrics(decision.transferId, { latencyUs: 3120 });
await runtime.shutdown();
console.log(lane, result);
