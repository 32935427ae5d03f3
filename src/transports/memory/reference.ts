/**
 * References: what travels instead of the payload. Signed with the arena's key, which only the pool's own processes have; the slice's header
 * in shared memory holds the generation that is current, so that an old reference to memory that serves another transfer by now is refused.
 *
 *   slice:  │ generation (8 bytes) │ padding to 64 │ payload …
 *                                                   ▲ reference.offset
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { describeValue, PitwallError } from '../../errors.ts';
import type { Reference } from './types.ts';

/** Bytes before a payload that hold its generation. */
export const HEADER = 64;

/** HMAC-SHA-256, cut to 128 bits. About 5 us. */
export function sign(key: Buffer, reference: Omit<Reference, 'signature'>): string {
  const { arena, generation, offset, length, expiresAtMs } = reference;
  const text = `${arena}\n${generation}\n${offset}\n${length}\n${expiresAtMs}`;
  return createHmac('sha256', key).update(text).digest('hex').slice(0, 32);
}

/** The checks that need no look into memory. @throws PitwallError `PITWALL_SHM_REFERENCE` naming what is wrong */
export function checkReference(value: unknown, arena: string, bytes: number, key: Buffer, nowMs: number): Reference {
  const reference = readReference(value);
  if (reference.arena !== arena) throw refused('arena', reference.arena);
  const { offset, length } = reference;
  if (offset < HEADER || length < 1 || offset + length > bytes) throw refused('range', `${offset}+${length}`);
  const expected = Buffer.from(sign(key, reference));
  const given = Buffer.from(reference.signature);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw refused('signature', 'another one');
  if (reference.expiresAtMs < nowMs) throw refused('expiry', `${Math.round(nowMs - reference.expiresAtMs)} ms ago`);
  return reference;
}

export function refused(what: string, given: string | number): PitwallError {
  return new PitwallError(
    'PITWALL_SHM_REFERENCE',
    `a reference to shared memory is refused: ${what}: ${describeValue(given)}`,
  );
}

function readReference(value: unknown): Reference {
  if (typeof value !== 'object' || value === null) throw refused('form', 'no object');
  const { arena, generation, offset, length, expiresAtMs, signature }: { [Key in keyof Reference]?: unknown } = value;
  if (typeof arena !== 'string' || typeof signature !== 'string') throw refused('form', 'no text where text belongs');
  if (!isWhole(generation) || !isWhole(offset) || !isWhole(length)) throw refused('form', 'no whole number');
  if (typeof expiresAtMs !== 'number') throw refused('form', 'no expiry');
  return { arena, generation, offset, length, expiresAtMs, signature };
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
