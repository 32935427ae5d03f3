/** References and descriptors that were forged, or damaged on the way. */
import { platform } from 'node:os';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachArena } from '../../src/transports/memory/attach-arena.ts';
import { openArena } from '../../src/transports/memory/open-arena.ts';
import type { Arena, ArenaDescriptor, AttachedArena, Lease, Reference } from '../../src/transports/memory/types.ts';

const BOUND = 2 ** 20;
const refused = expect.objectContaining({ code: 'PITWALL_SHM_REFERENCE' });
const linux = platform() === 'linux';

describe.runIf(linux)('a forged reference', () => {
  let arena: Arena;
  let attached: AttachedArena;
  let lease: Lease;

  beforeAll(async () => {
    arena = await openArena({ bytes: BOUND, nowMs: () => 0 });
    attached = await attachArena(arena.descriptor, () => 0);
    const got = arena.allocate(1000);
    if (got === undefined) throw new Error('no room');
    lease = got;
  });

  afterAll(() => {
    attached.close();
    arena.close();
  });

  /** What comes off the wire is anything. */
  function view(value: unknown): Uint8Array {
    return attached.view(value as Reference);
  }

  it('is refused for any other value of any field', () => {
    const field = fc.constantFrom('arena', 'generation', 'offset', 'length', 'expiresAtMs', 'signature');
    fc.assert(
      fc.property(field, fc.anything(), (name, value) => {
        fc.pre(!Object.is(lease.reference[name as keyof Reference], value));
        expect(() => view({ ...lease.reference, [name]: value })).toThrow(refused);
      }),
    );
  });

  it('is refused for numbers near the right ones', () => {
    const near = fc.record({
      name: fc.constantFrom('generation', 'offset', 'length', 'expiresAtMs'),
      by: fc.integer(),
    });
    fc.assert(
      fc.property(near, ({ name, by }) => {
        fc.pre(by !== 0);
        const value = Number(lease.reference[name as keyof Reference]) + by;
        expect(() => view({ ...lease.reference, [name]: value })).toThrow(refused);
      }),
    );
  });

  it('is refused for a signature with one digit changed, cut or longer', () => {
    const { signature } = lease.reference;
    for (let i = 0; i < signature.length; i += 1) {
      const digit = signature[i] === '0' ? '1' : '0';
      const changed = signature.slice(0, i) + digit + signature.slice(i + 1);
      expect(() => view({ ...lease.reference, signature: changed })).toThrow(/signature/);
    }
    for (const other of ['', signature.slice(1), `${signature}0`, signature.toUpperCase().replace(/\d/g, 'A')])
      expect(() => view({ ...lease.reference, signature: other })).toThrow(/signature/);
  });

  it('is refused when it is no reference at all', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(() => view(value)).toThrow(refused);
      }),
    );
  });

  it('is refused from another arena, even at the same place', async () => {
    const other = await openArena({ bytes: BOUND, nowMs: () => 0 });
    const foreign = other.allocate(1000);
    expect(foreign?.reference.offset).toBe(lease.reference.offset);
    expect(() => view(foreign?.reference)).toThrow(/arena/);
    expect(() => view({ ...foreign?.reference, arena: lease.reference.arena })).toThrow(/signature/);
    other.close();
  });

  it('passes when it is the one that was sent', () => {
    expect(view(JSON.parse(JSON.stringify(lease.reference))).length).toBe(1000);
  });
});

describe.runIf(linux)('a descriptor', () => {
  it('is refused for any other value of any field, with a code', async () => {
    const arena = await openArena({ bytes: BOUND, nowMs: () => 0 });
    const field = fc.constantFrom('lane', 'path', 'bytes', 'key');
    await fc.assert(
      fc.asyncProperty(field, fc.anything(), async (name, value) => {
        fc.pre(!(name === 'bytes' && typeof value === 'number' && value > 0 && value <= BOUND));
        const forged = { ...arena.descriptor, [name]: value } as ArenaDescriptor;
        await expect(attachArena(forged, () => 0)).rejects.toMatchObject({ code: 'PITWALL_SHM_ATTACH' });
      }),
    );
    arena.close();
  });

  it('is refused for memory that is shorter than it says, or is none', async () => {
    const arena = await openArena({ bytes: BOUND, nowMs: () => 0 });
    const attach = (change: Partial<ArenaDescriptor>) => attachArena({ ...arena.descriptor, ...change }, () => 0);
    await expect(attach({ bytes: BOUND + 1 })).rejects.toThrow(/has 1048576 bytes/);
    await expect(attach({ path: '/proc/self/fd/9999' })).rejects.toThrow(/ENOENT/);
    await expect(attach({ path: '/proc/self' })).rejects.toMatchObject({ code: 'PITWALL_SHM_ATTACH' });
    // A file that somebody could cut below the mapping.
    await expect(attach({ path: process.execPath })).rejects.toMatchObject({ code: 'PITWALL_SHM_ATTACH' });
    arena.close();
    await expect(attach({})).rejects.toMatchObject({ code: 'PITWALL_SHM_ATTACH' });
  });
});
