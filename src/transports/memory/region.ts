/** A file that both sides have in common, and how its bytes are reached. Types only. */
import type { MemoryLane } from './types.ts';

export interface Region {
  readonly lane: MemoryLane;
  /** What a worker opens. */
  readonly path: string;
  readonly bytes: number;
  /** The whole region, mapped; undefined where bytes are read and written one slice at a time. */
  readonly mapped: Uint8Array | undefined;
  /** Makes pages usable; false when there are none to be had. */
  commit(from: number, to: number): boolean;
  /** Faults pages in ahead of use. */
  populate(from: number, to: number): void;
  /** Reads bytes into `target`. */
  read(offset: number, target: Uint8Array): void;
  /** Writes bytes; throws where there is no room, nothing is left half-used. */
  write(offset: number, source: Uint8Array): void;
  /** Gives the memory back and removes the name, if there is one. Views stay valid, and read zeros. */
  close(): void;
}
