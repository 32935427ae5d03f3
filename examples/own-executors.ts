/**
 * pitwall over an RPC that a host has already, here a plain HTTP service: payloads travel in the body of a request, or lie in a file in memory (tmpfs) of
 * which the request only says the name. pitwall decides, measures, learns, and falls back.
 *
 *   npm run build && node scripts/run-ts.js examples/own-executors.ts
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { startRuntime } from 'pitwall';

// The service as it stands: digests what it is sent, or what lies in the file that it is told of.
const service = createServer(async (request: IncomingMessage, response) => {
  const body = await buffer(request);
  const bytes = request.headers['x-file'] === undefined ? body : await readFile(String(request.headers['x-file']));
  response.end(createHash('sha256').update(bytes).digest('hex'));
});
await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
const address = service.address();
const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;

const shared = await mkdtemp(join(process.platform === 'linux' ? '/dev/shm' : tmpdir(), 'own-executors-'));
let files = 0;

/** The two ways. Both answer the same; each throws where it fails, and a failed zero-copy is done again by the other. */
const lanes = {
  async grpc(data: Buffer): Promise<string> {
    return (await fetch(url, { method: 'POST', body: new Uint8Array(data) })).text();
  },
  async zeroCopy(data: Buffer): Promise<string> {
    files += 1;
    const file = join(shared, String(files));
    await writeFile(file, data);
    try {
      return await (await fetch(url, { method: 'POST', headers: { 'x-file': file } })).text();
    } finally {
      await rm(file);
    }
  },
};

const runtime = await startRuntime({
  dataDir: false,
  logger: false,
  pools: [{ name: 'digests', explorationRate: 0.1 }],
});
for (let index = 0; index < 40; index += 1) {
  const data = Buffer.alloc(2 ** (12 + (index % 9)), index);
  const digest = await runtime.transfer({ pool: 'digests', data, dataType: 'binary', format: 'raw' }, lanes);
  if (digest !== createHash('sha256').update(data).digest('hex')) throw new Error('a payload was changed on its way');
}
await runtime.flush();

const counts = runtime.getStatistics('digests');
console.log(`${counts?.zeroCopyCount} by file, ${counts?.grpcCount} by HTTP, ${counts?.failures} failed`);
// What pitwall would do with 8 MB now, and why.
console.log(
  runtime.decideTransferMethod({ pool: 'digests', dataSize: 8e6, dataType: 'binary', format: 'raw' }).rationale,
);

await runtime.shutdown();
await rm(shared, { recursive: true });
service.closeAllConnections();
service.close();
