/** A region without native code: a file on tmpfs that is read and written. A third of gRPC's time at 100 MiB. */
import { closeSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { PitwallError } from '../../errors.ts';
import type { Region } from './region.ts';

export function copyRegion(bytes: number, path: string, role: 'host' | 'worker'): Region {
  const fd = openSync(path, role === 'host' ? 'wx+' : 'r+', 0o600);
  if (role === 'host') ftruncateSync(fd, bytes);
  let open = true;
  return {
    lane: 'copy',
    path,
    bytes,
    mapped: undefined,
    // Pages come with the writes, which say so when there are none.
    commit: () => open,
    populate: () => undefined,
    read(offset, target) {
      for (let done = 0; done < target.length; ) {
        const count = readSync(fd, target, done, target.length - done, offset + done);
        if (count === 0) throw new PitwallError('PITWALL_SHM_REFERENCE', 'shared memory is shorter than its reference');
        done += count;
      }
    },
    write(offset, source) {
      for (let done = 0; done < source.length; ) {
        done += writeSync(fd, source, done, source.length - done, offset + done);
      }
    },
    close() {
      if (!open) return;
      open = false;
      closeSync(fd);
      if (role === 'host') rmSync(path, { force: true });
    },
  };
}
