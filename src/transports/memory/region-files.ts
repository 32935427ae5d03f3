/** Names of regions on tmpfs: a folder of this process's own, cleared of what dead hosts left. */
import path from 'node:path';
import { openProcessFolder } from '../process-folder.ts';

/** A path for a new region. @throws where the directory cannot be written */
export function regionPath(shmDir: string, arena: string): string {
  return path.join(openProcessFolder(shmDir), `${arena}.region`);
}
