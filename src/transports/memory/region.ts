/** A file that both sides have in common, and how its bytes are reached. Types only. */
import type { MemoryLane } from './types.ts';

export interface Region {
  readonly lane: MemoryLane;
  /** What a worker opens. */
  readonly path: string;
  readonly bytes: number;
  /** The region itself, mapped; or ordinary memory of the same shape, brought in step by `push` and `pull`. */
  readonly memory: Uint8Array;
  /** Bytes of the machine's memory that a byte of the region takes, over all processes. */
  readonly memoryPerByte: number;
  /** False from `close` on. */
  readonly open: boolean;
  /** Makes pages usable; false when there are none to be had. */
  commit(from: number, to: number): boolean;
  /** Gives whole pages back, which nobody uses: they must be committed again before they are. */
  discard(from: number, to: number): void;
  /** Bytes that the file system would still give; undefined where it sets no bound. */
  free(): number | undefined;
  /** Faults in what is about to be used, in one call. */
  populate(from: number, to: number): void;
  /** Faults in ahead of use, so that a later use finds nothing left to do. */
  warm(from: number, to: number): void;
  /** Makes what this side wrote visible to others. @throws PitwallError */
  push(from: number, to: number): void;
  /** Makes what others wrote visible here. @throws PitwallError */
  pull(from: number, to: number): void;
  /** A whole number of 8 bytes, little-endian. */
  readNumber(offset: number): number;
  writeNumber(offset: number, value: number): void;
  /** Gives the memory back and removes the name, if there is one. Views stay valid, and show private memory. Twice is as once. */
  close(): void;
}
