/** The store's thread: owns every write. Its answer comes after the commit is durable and visible. */
import { parentPort, workerData } from 'node:worker_threads';
import { PitwallError } from '../errors.ts';
import { Engine } from './engine.ts';
import { ExitGate } from './exit-gate.ts';
import { openLmdb, storeError } from './lmdb-key-value.ts';
import type { RetainResult } from './store-types.ts';
import type { StoreThreadData, StoreThreadReply, StoreThreadRequest } from './thread-protocol.ts';
import { Upkeep } from './upkeep.ts';

const port = parentPort;
if (port === null) throw new PitwallError('PITWALL_STORE_FAILED', 'store-thread.js runs as a worker thread only.');

// Worker data crosses a thread boundary untyped; thread-writer.ts is its only sender.
const data = workerData as StoreThreadData;
const gate = new ExitGate(data.gate);
const environment = await openLmdb({ path: data.path, mapSizeLimit: data.mapSizeLimit, gate });
const engine = new Engine(environment, data.writer);
const upkeep = new Upkeep(engine);

port.on('message', (request: StoreThreadRequest) => {
  gate.restWhenExiting();
  void answer(request).then((reply) => {
    port.postMessage(reply);
    if (request.type === 'close') port.close();
  });
});

async function answer(request: StoreThreadRequest): Promise<StoreThreadReply> {
  try {
    return { type: 'done', id: request.id, result: await carryOut(request) };
  } catch (error) {
    const { code, message } = storeError(error, 'write to the store');
    return { type: 'failed', id: request.id, code, message };
  }
}

async function carryOut(request: StoreThreadRequest): Promise<RetainResult | undefined> {
  switch (request.type) {
    case 'append':
      engine.append(request.blocks);
      return undefined;
    case 'put_entries':
      engine.putEntries(request.entries);
      return undefined;
    case 'upkeep':
      return upkeep.step(request.options);
    case 'close':
      await environment.close();
      return undefined;
    default:
      return request satisfies never;
  }
}
