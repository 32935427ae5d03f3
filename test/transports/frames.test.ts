import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Frame, FrameReader, writeFrame } from '../../src/transports/frames.ts';

const MAX = 300_000;
const frame = fc.record({
  kind: fc.integer({ min: 1, max: 3 }),
  id: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  body: fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.nat(200_000).map((length) => new Uint8Array(length).fill(7)),
  ),
});

function bytesOf(frames: readonly { kind: number; id: number; body: Uint8Array }[]): Buffer {
  const pieces: Uint8Array[] = [];
  for (const { kind, id, body } of frames) writeFrame({ write: (piece) => pieces.push(piece) > 0 }, kind, id, body);
  return Buffer.concat(pieces);
}

describe('frames', () => {
  it('arrive whole and in order, however the stream is cut', () => {
    void fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1 }),
        (frames, cuts) => {
          const stream = bytesOf(frames);
          const got: Frame[] = [];
          const reader = new FrameReader(MAX, (each) => got.push({ ...each, body: Buffer.from(each.body) }));
          for (let at = 0, i = 0; at < stream.length; i += 1) {
            const end = at + (cuts[i % cuts.length] ?? 1);
            reader.push(stream.subarray(at, end));
            at = end;
          }
          expect(got.map(({ kind, id, body }) => ({ kind, id, length: body.length }))).toEqual(
            frames.map(({ kind, id, body }) => ({ kind, id, length: body.length })),
          );
          expect(got.every(({ body }, i) => body.equals(frames[i]?.body ?? Buffer.alloc(0)))).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('one byte at a time too', () => {
    const got: number[] = [];
    const reader = new FrameReader(MAX, ({ id }) => got.push(id));
    for (const byte of bytesOf([1, 2, 3].map((id) => ({ kind: 1, id, body: Buffer.from('abc') }))))
      reader.push(Buffer.of(byte));
    expect(got).toEqual([1, 2, 3]);
  });

  it('noise is refused before anything is allocated for it', () => {
    const reader = new FrameReader(1_000, () => undefined);
    expect(() => reader.push(Buffer.from('GET / HTTP/1.1\r\n'))).toThrow(RangeError);
    expect(() => new FrameReader(1_000, () => undefined).push(Buffer.from([2, 0, 0, 0, 1, 1]))).toThrow(RangeError);
  });
});
