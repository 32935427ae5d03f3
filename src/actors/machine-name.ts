/** Which machine this is, as far as learned models are concerned: what was learned on another one is foreign here. */
import { cpus } from 'node:os';

/** Operating system and architecture, such as `linux-x64`. */
export function platformName(): string {
  return `${process.platform}-${process.arch}`;
}

/** Platform, architecture, number and kind of processors, such as `linux-x64, 8 x AMD EPYC 7B13`. */
export function machineName(): string {
  const all = cpus();
  const model = all[0]?.model.replace(/\s+/g, ' ').trim() ?? 'unknown';
  return `${platformName()}, ${all.length} x ${model}`.slice(0, 256);
}
