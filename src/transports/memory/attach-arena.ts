import { describeValue, PitwallError } from '../../errors.ts';
import { copyRegion } from './copy-region.ts';
import { hasStamp, type Owner } from './first-page.ts';
import { Follower } from './follower.ts';
import { HEADER } from './layout.ts';
import { attachMapped } from './mapped-region.ts';
import { loadNative } from './native.ts';
import { checkReference, refused } from './reference.ts';
import type { Region } from './region.ts';
import type { ArenaDescriptor, AttachedArena, MemoryLane, Reference } from './types.ts';

/**
 * Attaches to the memory of a host, from one of its workers: mapped once, for as long as the worker lives.
 *
 * @throws PitwallError `PITWALL_SHM_ATTACH` for a descriptor that makes no sense or whose memory is not there
 */
export async function attachArena(descriptor: ArenaDescriptor, nowMs: () => number): Promise<AttachedArena> {
  const { arena, lane, path, bytes, key } = checkDescriptor(descriptor);
  try {
    const region =
      lane === 'copy' ? copyRegion(bytes, path, 'worker') : attachMapped(await loadNative(), lane, path, bytes);
    const owner = { arena, key: Buffer.from(key, 'hex') };
    checkStamp(region, owner);
    return new RegionView(region, owner, nowMs);
  } catch (error) {
    throw attachFailed(`${path}: ${error instanceof Error ? error.message : describeValue(error)}`, error);
  }
}

/** The number of a host's descriptor, and that of its process, may have passed to another. */
function checkStamp(region: Region, owner: Owner): void {
  try {
    if (!hasStamp(region, owner)) throw new Error('is not the memory that the descriptor names');
  } catch (error) {
    region.close();
    throw error;
  }
}

class RegionView implements AttachedArena {
  readonly #region: Region;
  readonly #owner: Owner;
  readonly #nowMs: () => number;
  readonly #follower: Follower;
  #closed = false;

  constructor(region: Region, owner: Owner, nowMs: () => number) {
    this.#region = region;
    this.#owner = owner;
    this.#nowMs = nowMs;
    this.#follower = new Follower(region, owner);
  }

  view(reference: Reference): Uint8Array {
    const { offset, length, fresh } = this.#check(reference);
    this.#follower.reach(offset, offset + length, fresh);
    this.#region.pull(offset, offset + length);
    return this.#region.memory.subarray(offset, offset + length);
  }

  commit(reference: Reference, bytes: Uint8Array): void {
    const { offset, length } = this.#check(reference);
    if (bytes.length > length) throw refused('range', bytes.length);
    const { memory } = this.#region;
    const inPlace = bytes.buffer === memory.buffer && bytes.byteOffset === memory.byteOffset + offset;
    if (!inPlace) memory.set(bytes, offset);
    this.#region.push(offset, offset + bytes.length);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#follower.stop();
    this.#region.close();
  }

  #check(reference: Reference): Reference {
    if (this.#closed) throw refused('arena', 'closed');
    const { arena, key } = this.#owner;
    const checked = checkReference(reference, arena, this.#region.bytes, key, this.#nowMs());
    if (this.#region.readNumber(checked.offset - HEADER) !== checked.generation)
      throw refused('generation', checked.generation);
    return checked;
  }
}

const LANES: readonly MemoryLane[] = ['memfd', 'file', 'copy'];

function checkDescriptor(value: unknown): ArenaDescriptor {
  if (typeof value !== 'object' || value === null) throw attachFailed('the descriptor is no object');
  const { arena, lane, path, bytes, key }: { [Key in keyof ArenaDescriptor]?: unknown } = value;
  const known = LANES.find((each) => each === lane);
  if (known === undefined) throw attachFailed(`lane: ${describeValue(lane)}`);
  if (typeof arena !== 'string' || typeof path !== 'string') throw attachFailed('no text where text belongs');
  if (typeof key !== 'string' || !/^[0-9a-f]{64}$/.test(key)) throw attachFailed('key: not 64 hexadecimal digits');
  if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes < 1)
    throw attachFailed(`bytes: ${describeValue(bytes)}`);
  return { arena, lane: known, path, bytes, key };
}

function attachFailed(why: string, cause?: unknown): PitwallError {
  return new PitwallError('PITWALL_SHM_ATTACH', `shared memory cannot be attached: ${why}`, { cause });
}
