/**
 * Frames of the control channel (`proto/pitwall.proto`, AttachReply.control_path):
 *
 *   │ length u32le, of what follows │ kind u8 │ id u32le │ body … │
 */

export const REQUEST = 1;
export const REPLY = 2;
export const CANCEL = 3;

export interface Frame {
  readonly kind: number;
  readonly id: number;
  readonly body: Buffer;
}

const LENGTH_BYTES = 4;
const HEAD_BYTES = 5;

/** What takes frames: a socket. */
export interface FrameSink {
  write(bytes: Uint8Array): boolean;
}

/** Small frames in one piece, since each piece is a system call; large bodies as they lie. */
export function writeFrame(sink: FrameSink, kind: number, id: number, body: Uint8Array = NO_BODY): void {
  const inOne = body.byteLength <= SMALL_BODY;
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + HEAD_BYTES + (inOne ? body.byteLength : 0));
  frame.writeUInt32LE(HEAD_BYTES + body.byteLength, 0);
  frame.writeUInt8(kind, LENGTH_BYTES);
  frame.writeUInt32LE(id, LENGTH_BYTES + 1);
  if (inOne) frame.set(body, LENGTH_BYTES + HEAD_BYTES);
  sink.write(frame);
  if (!inOne) sink.write(body);
}

const NO_BODY = new Uint8Array(0);
const SMALL_BODY = 64 * 1024;

/**
 * Cuts a stream of bytes into frames. Small ones are views of what came; one that spans several pieces is gathered in one allocation, whatever their
 * number.
 */
export class FrameReader {
  readonly #maxBytes: number;
  readonly #onFrame: (frame: Frame) => void;
  /** What came of a frame whose length is not complete, or the frame itself on its way. */
  #partial: Buffer = Buffer.alloc(0);
  #filled = 0;

  constructor(maxBytes: number, onFrame: (frame: Frame) => void) {
    this.#maxBytes = maxBytes;
    this.#onFrame = onFrame;
  }

  /** @throws RangeError for a length that no frame has */
  push(piece: Buffer): void {
    let rest = piece;
    while (rest.length > 0) {
      if (this.#filled === 0) {
        rest = this.#readWhole(rest);
        if (rest.length > 0) this.#begin(rest);
        return;
      }
      rest = this.#fill(rest);
    }
  }

  /** Hands on every frame that lies in `bytes` as a whole; returns what is left. */
  #readWhole(bytes: Buffer): Buffer {
    let at = 0;
    while (bytes.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + this.#lengthAt(bytes, at);
      if (end > bytes.length) break;
      this.#emit(bytes.subarray(at + LENGTH_BYTES, end));
      at = end;
    }
    return bytes.subarray(at);
  }

  #begin(rest: Buffer): void {
    const bytes = rest.length < LENGTH_BYTES ? LENGTH_BYTES : LENGTH_BYTES + this.#lengthAt(rest, 0);
    this.#partial = Buffer.allocUnsafeSlow(bytes);
    this.#filled = rest.copy(this.#partial);
  }

  /** Adds to the frame on its way; returns what is left of `bytes`. */
  #fill(bytes: Buffer): Buffer {
    const count = bytes.copy(this.#partial, this.#filled);
    this.#filled += count;
    if (this.#filled < this.#partial.length) return bytes.subarray(count);
    const whole = this.#partial;
    if (whole.length === LENGTH_BYTES) this.#begin(whole);
    if (this.#partial !== whole) return bytes.subarray(count);
    this.#filled = 0;
    this.#partial = Buffer.alloc(0);
    this.#emit(whole.subarray(LENGTH_BYTES));
    return bytes.subarray(count);
  }

  #lengthAt(bytes: Buffer, at: number): number {
    const length = bytes.readUInt32LE(at);
    if (length < HEAD_BYTES || length > this.#maxBytes) throw new RangeError(`a frame of ${length} bytes`);
    return length;
  }

  #emit(content: Buffer): void {
    this.#onFrame({
      kind: content.readUInt8(0),
      id: content.readUInt32LE(1),
      body: content.subarray(HEAD_BYTES),
    });
  }
}
