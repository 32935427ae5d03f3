/** Our own encoding of `proto/pitwall.proto`, held against a general protobuf library in both directions. */
import { loadSync, type MessageTypeDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodableOf } from '../../src/transports/encodable.ts';
import {
  decodeAttachReply,
  decodeChunk,
  decodeHealth,
  decodeReply,
  decodeRequest,
  encodeAttachReply,
  encodeChunk,
  encodeHealth,
  encodeReply,
  encodeRequest,
} from '../../src/transports/messages.ts';

const definition = loadSync('proto/pitwall.proto', { longs: Number, defaults: true, keepCase: true });
const service = definition['pitwall.v1.Worker'] as ServiceDefinition;
const type = (name: string) => definition[`pitwall.v1.${name}`] as MessageTypeDefinition<object, object>;

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const bytes = fc.uint8Array({ maxLength: 300 }).map((content) => Buffer.from(content));
const size = fc.nat().map((n) => n * 4_000_000);

describe('messages', () => {
  it('requests are what the general library writes and reads', () => {
    const request = fc.record({
      command: text,
      dataType: text,
      format: text,
      gzip: fc.boolean(),
      size,
      timeoutMs: fc.double({ noNaN: true }),
    });
    void fc.assert(
      fc.property(request, bytes, bytes, bytes, (head, reference, resultReference, data) => {
        const encoded = encodeRequest({
          ...head,
          reference,
          resultReference,
          data: encodableOf(data.subarray(0, 7), data.subarray(7)),
        });
        const theirs = type('ExecuteRequest').deserialize(encoded);
        expect(theirs).toMatchObject({
          command: head.command,
          data_type: head.dataType,
          format: head.format,
          gzip: head.gzip,
          reference,
          result_reference: resultReference,
          data,
          size: head.size,
        });
        const ours = decodeRequest(type('ExecuteRequest').serialize(theirs));
        expect({
          ...ours,
          reference: ours.reference ?? Buffer.alloc(0),
          resultReference: ours.resultReference ?? Buffer.alloc(0),
          data: ours.data ?? Buffer.alloc(0),
        }).toEqual({ ...head, timeoutMs: head.timeoutMs + 0, reference, resultReference, data });
      }),
    );
  });

  it('replies, chunks, attach and health too', () => {
    void fc.assert(
      fc.property(
        text,
        fc.array(fc.string({ minLength: 1 }), { maxLength: 5 }),
        bytes,
        size,
        (word, words, data, length) => {
          const reply = {
            dataType: word,
            format: 'raw',
            workerUs: 1.5,
            handlerUs: 0,
            errorCode: word,
            errorMessage: '',
            resultLength: length,
          };
          const encoded = encodeReply({ ...reply, data: encodableOf(data) });
          expect(type('ExecuteReply').deserialize(encoded)).toMatchObject({
            data_type: word,
            worker_us: 1.5,
            result_length: length,
            data,
          });
          expect(decodeReply(type('ExecuteReply').serialize(type('ExecuteReply').deserialize(encoded)))).toMatchObject(
            reply,
          );

          const chunk = encodeChunk({ head: encoded, total: length, data });
          expect(type('ExecuteChunk').deserialize(encodeChunk({ head: undefined, total: length, data }))).toMatchObject(
            {
              total: length,
              data,
            },
          );
          expect(decodeChunk(chunk).total).toBe(length);

          const attach = { error: word, controlPath: word };
          expect(type('AttachReply').deserialize(encodeAttachReply(attach))).toEqual({
            error: word,
            control_path: word,
          });
          expect(decodeAttachReply(encodeAttachReply(attach))).toEqual(attach);
          expect(decodeHealth(type('HealthReply').serialize({ commands: words, pid: 7 }))).toEqual({
            commands: words,
            pid: 7,
          });
          expect(type('HealthReply').deserialize(encodeHealth({ commands: words, pid: 7 }))).toEqual({
            commands: words,
            pid: 7,
          });
        },
      ),
    );
  });

  it('any bytes at all are a message, or a RangeError', () => {
    void fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        for (const decode of [decodeRequest, decodeReply, decodeChunk, decodeHealth]) {
          try {
            decode(Buffer.from(noise));
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('the service is the one of the proto file', async () => {
    const { WORKER_SERVICE } = await import('../../src/transports/service.ts');
    const shape = (each: { path: string; requestStream: boolean; responseStream: boolean }) => [
      each.path,
      each.requestStream,
      each.responseStream,
    ];
    expect(Object.values(WORKER_SERVICE).map(shape).sort()).toEqual(Object.values(service).map(shape).sort());
  });
});
