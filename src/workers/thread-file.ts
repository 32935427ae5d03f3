import { installedProgram } from './installed-program.ts';

/** The program of the training threads. @throws PitwallError `PITWALL_TRAINING_PROGRAM_MISSING` naming where it was looked for */
export function trainingThreadFile(): string {
  return installedProgram('workers', 'training-thread.js', 'PITWALL_TRAINING_PROGRAM_MISSING');
}
