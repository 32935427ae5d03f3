import { startRuntime } from 'pitwall';
import { startWorkerPool, tensor } from 'pitwall/transports';

const runtime = await startRuntime({ dataDir: '/tmp/t1/data', pools: [{ name: 'ml', goal: 'minimize_latency' }] });
console.log(runtime.status);
const workers = await startWorkerPool(runtime, {
  pool: 'ml',
  size: 2,
  script: new URL('./main-job/worker.js', import.meta.url),
  arenaBytes: Number(process.env.ARENA ?? 0),
});
console.log(workers.status());
console.log(
  await workers.execute(
    'normalize',
    tensor(
      Float32Array.from({ length: 1000 }, (_, i) => i),
      [100, 10],
    ),
  ),
);
console.log(await workers.execute('digest', Buffer.alloc(100e6, 1)));
console.log(await workers.execute('countFields', [{ a: 1 }, { b: 2 }]));
try {
  await workers.execute('nope', 1);
} catch (e) {
  console.log(e.code, e.message);
}
console.log(await runtime.flush());
console.log(await runtime.analyzer.getStatistics({ pool: 'ml' }));
console.log(runtime.getStatistics('ml'), runtime.thresholds.get('ml', 'tensor'));
const { formatTree } = await import('pitwall/otp');
console.log(formatTree(runtime.tree()));
console.log(
  runtime.explain(runtime.decideTransferMethod({ pool: 'ml', dataSize: 5e6, dataType: 'tensor' }).transferId).rationale,
);
await workers.close();
await runtime.shutdown();
console.log(runtime.status);
