import { closeSync, fstatSync, openSync } from 'node:fs';
import { PitwallError } from '../../errors.ts';
import { copyRegion } from './copy-region.ts';
import { loadNative } from './native.ts';
import { checkReference, HEADER, refused } from './reference.ts';
import type { ArenaDescriptor, AttachedArena, Reference } from './types.ts';

/**
 * Attaches to the memory of a host, from one of its workers: mapped once, for as long as the worker lives.
 *
 * @throws PitwallError `PITWALL_SHM_ATTACH` for a descriptor that makes no sense or whose memory is not there
 */
export async function attachArena(descriptor: ArenaDescriptor, nowMs: () => number): Promise<AttachedArena> {
  const { arena, lane, path, bytes, key } = descriptor;
  const secret = Buffer.from(key, 'hex');
  const reach = lane === 'copy' ? reachByCopy(path, bytes) : await reachByMapping(path, bytes);

  const located = (reference: Reference): Reference => {
    const checked = checkReference(reference, arena, bytes, secret, nowMs());
    const header = Buffer.allocUnsafe(8);
    reach.read(checked.offset - HEADER, header);
    if (header.readBigUInt64LE() !== BigInt(checked.generation)) throw refused('generation', checked.generation);
    return checked;
  };
  return {
    view(reference) {
      const { offset, length } = located(reference);
      return reach.view(offset, length);
    },
    commit(reference, changed) {
      const { offset, length } = located(reference);
      if (changed.length > length) throw refused('range', changed.length);
      reach.commit(offset, changed);
    },
    close: () => reach.close(),
  };
}

interface Reach {
  read(offset: number, target: Uint8Array): void;
  view(offset: number, length: number): Uint8Array;
  commit(offset: number, bytes: Uint8Array): void;
  close(): void;
}

async function reachByMapping(path: string, bytes: number): Promise<Reach> {
  const native = await loadNative();
  const fd = openSync(path, 'r+');
  try {
    const { size } = fstatSync(fd);
    // A mapping beyond the file's end would be SIGBUS at the first look.
    if (size < bytes) throw new PitwallError('PITWALL_SHM_ATTACH', `shared memory has ${size} bytes, not ${bytes}`);
    const mapped = new Uint8Array(native.map(fd, bytes).buffer);
    return {
      read: (offset, target) => target.set(mapped.subarray(offset, offset + target.length)),
      view: (offset, length) => mapped.subarray(offset, offset + length),
      commit: () => undefined,
      close: () => undefined,
    };
  } finally {
    closeSync(fd);
  }
}

function reachByCopy(path: string, bytes: number): Reach {
  const region = copyRegion(bytes, path, 'worker');
  return {
    read: (offset, target) => region.read(offset, target),
    view(offset, length) {
      const copy = Buffer.allocUnsafe(length);
      region.read(offset, copy);
      return copy;
    },
    commit: (offset, changed) => region.write(offset, changed),
    close: () => region.close(),
  };
}
