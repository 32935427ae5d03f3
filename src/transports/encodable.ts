/** Bytes that are written where they are wanted, or sent piece by piece, so that no copy stands in between. */
export interface Encodable {
  readonly byteLength: number;
  /** Writes exactly `byteLength` bytes. */
  writeTo(target: Uint8Array, offset: number): void;
  /** The same bytes in pieces that lie in memory already. */
  parts(): readonly Uint8Array[];
  /** Where all of it lies already, in one piece; absent where it does not. */
  readonly place?: Uint8Array | undefined;
}

/** Pieces that follow one another. They are not copied: they must not change until they have been sent. */
export function encodableOf(...pieces: readonly Uint8Array[]): Encodable {
  const byteLength = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  return {
    byteLength,
    writeTo(target, offset) {
      let at = offset;
      for (const piece of pieces) {
        target.set(piece, at);
        at += piece.byteLength;
      }
    },
    parts: () => pieces,
    place: pieces.length === 1 ? pieces[0] : undefined,
  };
}

/** Text as UTF-8, encoded straight into its target. */
export function encodableText(text: string): Encodable {
  const byteLength = Buffer.byteLength(text, 'utf8');
  return {
    byteLength,
    writeTo(target, offset) {
      Buffer.from(target.buffer, target.byteOffset, target.byteLength).write(text, offset, byteLength, 'utf8');
    },
    parts: () => [Buffer.from(text, 'utf8')],
  };
}

/** The pieces cut into chunks of at most `chunkBytes`. */
export function* chunksOf(encodable: Encodable, chunkBytes: number): Generator<Uint8Array> {
  for (const part of encodable.parts()) {
    for (let at = 0; at < part.byteLength; at += chunkBytes) yield part.subarray(at, at + chunkBytes);
  }
}

/** The bytes in one piece; a copy only where there are several. */
export function contiguous(encodable: Encodable): Uint8Array {
  const [first, ...others] = encodable.parts();
  if (first !== undefined && others.length === 0) return first;
  const bytes = Buffer.allocUnsafe(encodable.byteLength);
  encodable.writeTo(bytes, 0);
  return bytes;
}
