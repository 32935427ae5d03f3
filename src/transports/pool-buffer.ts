/** Memory that a host builds a payload in, where workers can read it: nothing is copied when it is sent. */
import { constants } from 'node:buffer';
import { InvalidArgumentError } from '../errors.ts';
import type { Lease } from './memory/types.ts';
import type { Tensor, TensorData } from './tensor.ts';

/**
 * Belongs to the host until it is released. May be sent any number of times, as it is or as a part from its beginning; must not change while a
 * transfer of it is under way. Bytes are what an earlier user left there: they are not zeroed.
 */
export interface PoolBuffer {
  readonly bytes: Uint8Array;
  /** False where shared memory had no room, or there is none: then it is ordinary memory, and is copied when it is sent. */
  readonly shared: boolean;
  /** Gives it back, once the transfers that are under way have ended. Twice is as once; `bytes` must not be used after it. */
  release(): void;
  [Symbol.dispose](): void;
}

/** A tensor in such memory, its numbers still to be written. */
export interface PoolTensor<Data extends TensorData = TensorData> extends PoolBuffer {
  /** What `execute` takes. */
  readonly tensor: Tensor<Data>;
}

/** A result that lies where the worker wrote it. */
export interface SharedResult {
  /** What the handler returned; views of shared memory where `shared`. */
  readonly value: unknown;
  readonly shared: boolean;
  /** Gives the memory back; `value` must not be used after it. Twice is as once. */
  release(): void;
  [Symbol.dispose](): void;
}

/** What one ArrayBuffer may hold. */
const MAX_BUFFER = constants.MAX_LENGTH;

/** @throws InvalidArgumentError */
export function checkBytes(bytes: number): void {
  if (Number.isSafeInteger(bytes) && bytes >= 1 && bytes <= MAX_BUFFER) return;
  throw new InvalidArgumentError('bytes', bytes, `a whole number in 1..${MAX_BUFFER}`);
}

/** The same where there is no pool to share it with. @throws InvalidArgumentError */
export function ordinaryBuffer(bytes: number): PoolBuffer {
  checkBytes(bytes);
  return poolBuffer(bytes, undefined);
}

export function poolBuffer(byteLength: number, lease: Lease | undefined): PoolBuffer {
  const bytes = lease ? lease.buffer : new Uint8Array(byteLength);
  const release = (): void => lease?.release();
  return { bytes, shared: lease !== undefined, release, [Symbol.dispose]: release };
}

export function sharedResult(value: unknown, lease: Lease | undefined): SharedResult {
  const release = (): void => lease?.release();
  return new HeldResult(value, lease !== undefined, release);
}

/** Told from what handlers return by being one of ours. */
export function isSharedResult(value: unknown): value is SharedResult {
  return value instanceof HeldResult;
}

class HeldResult implements SharedResult {
  readonly value: unknown;
  readonly shared: boolean;
  readonly #release: () => void;

  constructor(value: unknown, shared: boolean, release: () => void) {
    this.value = value;
    this.shared = shared;
    this.#release = release;
  }

  release(): void {
    this.#release();
  }

  [Symbol.dispose](): void {
    this.#release();
  }
}
