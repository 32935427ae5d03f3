/**
 * A web service that ships tensors to worker processes, each by the lane that pitwall chooses, with probes for Kubernetes and a graceful end.
 *
 *   npm run build && node scripts/run-ts.js examples/fastify/service.ts
 *   head -c 4000000 /dev/urandom | curl -s --data-binary @- -H 'content-type: application/octet-stream' localhost:8080/scale | wc -c
 */
import fastify from 'fastify';
import { startRuntime } from 'pitwall';
import { startWorkerPool, tensor } from 'pitwall/transports';

const { PORT = '8080', HOST = '127.0.0.1', DATA_DIR = './pitwall-data', DRAIN_MS = '0' } = process.env;

const runtime = await startRuntime({ dataDir: DATA_DIR, pools: [{ name: 'ml', goal: 'minimize_latency' }] });
const workers = await startWorkerPool(runtime, {
  pool: 'ml',
  size: 2,
  script: new URL('./worker.js', import.meta.url),
});

let stopping = false;
const app = fastify({ bodyLimit: 256 * 2 ** 20 });
app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

// Float32 in, float32 out.
app.post<{ Body: Buffer }>('/scale', async ({ body }, reply) => {
  if (body.length % 4 !== 0) return reply.code(400).send({ error: 'expected float32 values' });
  // A view where the bytes happen to lie right, else a copy.
  const bytes = body.byteOffset % 4 === 0 ? body : Uint8Array.from(body);
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const scaled = await workers.execute('scale', tensor(values, [values.length]));
  if (!Buffer.isBuffer(scaled)) throw new Error('the worker answers with bytes');
  return reply.type('application/octet-stream').send(scaled);
});

const noMoreTraffic = () => (stopping ? 'the service is stopping' : undefined);
const noWorker = () =>
  workers.status().workers.some(({ state }) => state === 'ready') ? undefined : 'no worker is ready';
app.get('/livez', runtime.health.handler('live'));
app.get('/readyz', runtime.health.handler('ready', { checks: [noMoreTraffic, noWorker] }));

// A client that keeps its connection must not keep the service.
app.addHook('onSend', async (_request, reply) => {
  if (stopping) reply.header('connection', 'close');
});

// From the outside in: no more traffic, requests in flight finish, then workers, then what was learned is written. Nothing is left that would keep the
// process, so it ends by itself, with code 0. A second signal ends it at once.
process.once('SIGTERM', async () => {
  stopping = true;
  // Time for the load balancer to see that /readyz says 503: about two of its periods.
  await new Promise((resolve) => setTimeout(resolve, Number(DRAIN_MS)));
  await app.close();
  await workers.close();
  await runtime.shutdown();
});

console.log(`listening on ${await app.listen({ port: Number(PORT), host: HOST })}`);
