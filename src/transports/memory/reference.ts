/** References: what travels instead of the payload. Signed with the arena's key, which only the pool's own processes have. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { describeValue, PitwallError } from '../../errors.ts';
import { FIRST_SLICE, HEADER } from './layout.ts';
import type { Reference } from './types.ts';

/** HMAC-SHA-256 over the fields, one a line, cut to 128 bits: 32 hexadecimal digits. 2 to 3 us. */
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
  if (offset < FIRST_SLICE + HEADER || length < 1 || offset + length > bytes)
    throw refused('range', `${offset}+${length}`);
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

/** Each field is read once: what is checked is what is used. */
function readReference(value: unknown): Reference {
  if (typeof value !== 'object' || value === null) throw refused('form', 'no object');
  const { arena, generation, offset, length, expiresAtMs, signature, fresh }: { [Key in keyof Reference]?: unknown } =
    value;
  if (typeof arena !== 'string' || typeof signature !== 'string') throw refused('form', 'no text where text belongs');
  if (arena.length > MAX_TEXT || signature.length > MAX_TEXT) throw refused('form', 'a long text');
  if (!isWhole(generation) || generation < 1 || !isWhole(offset) || !isWhole(length))
    throw refused('form', 'no whole number');
  if (!isWhole(expiresAtMs)) throw refused('form', 'no expiry');
  const checked = { arena, generation, offset, length, expiresAtMs, signature };
  return fresh === true ? { ...checked, fresh } : checked;
}

const MAX_TEXT = 128;

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
