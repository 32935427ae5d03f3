/** Which machine this is, as far as its card is concerned. */
import { cpus, totalmem } from 'node:os';
import type { MachineFingerprint } from '../learning/machine-card.ts';

const MEMORY_STEP = 256 * 2 ** 20;

export function machineFingerprint(): MachineFingerprint {
  const all = cpus();
  return {
    platform: process.platform,
    arch: process.arch,
    cpuModel: (all[0]?.model ?? 'unknown').replace(/\s+/g, ' ').trim().slice(0, 128),
    cpuCount: all.length,
    memoryBytes: Math.round(totalmem() / MEMORY_STEP) * MEMORY_STEP,
    nodeMajor: Number.parseInt(process.versions.node, 10),
  };
}
