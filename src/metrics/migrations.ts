/** The schema version of an environment, and how an older one becomes today's. */
import { PitwallError } from '../errors.ts';
import type { KeyValueEnvironment, KeyValueReader, KeyValueTransaction } from './key-value.ts';
import { decodeNumber, encodeNumber } from './meta.ts';

/** Turns version `index` into `index + 1`; all steps run in one transaction, so an upgrade happens or does not. */
export type Migration = (transaction: KeyValueTransaction) => void;

/** From version 0 (a directory without a version) on. */
export const MIGRATIONS: readonly Migration[] = [
  () => {
    // Version 1 is the first: an environment without a version is an empty one.
  },
];

const VERSION_KEY = ['schema'];

/**
 * Brings an environment to the newest version. Returns the version it had. Rejects a newer one with PITWALL_STORE_NEWER: it is left
 * as it is.
 */
export function migrate(environment: KeyValueEnvironment, migrations: readonly Migration[] = MIGRATIONS): number {
  const found = checkVersion(environment, migrations);
  if (found === migrations.length) return found;
  environment.write((transaction) => {
    // Asked again inside: another process may have migrated it meanwhile.
    const version = decodeNumber(transaction.get('meta', VERSION_KEY)) ?? 0;
    for (const step of migrations.slice(version)) step(transaction);
    if (version < migrations.length) transaction.put('meta', VERSION_KEY, encodeNumber(migrations.length));
  });
  environment.refresh();
  return found;
}

/** The version of an environment. Throws PITWALL_STORE_NEWER. */
export function checkVersion(reader: KeyValueReader, migrations: readonly Migration[] = MIGRATIONS): number {
  const found = decodeNumber(reader.get('meta', VERSION_KEY)) ?? 0;
  if (found <= migrations.length) return found;
  const message = `The store has schema version ${found}, written by a newer pitwall; this one knows ${migrations.length}.`;
  throw new PitwallError('PITWALL_STORE_NEWER', message);
}
