import { installedProgram } from './installed-program.ts';

const MISSING = 'PITWALL_TRAINING_PROGRAM_MISSING';

/** The program of the training threads. @throws PitwallError `PITWALL_TRAINING_PROGRAM_MISSING` naming where it was looked for */
export function trainingThreadFile(): string {
  return installedProgram('workers', 'training-thread.js', MISSING);
}

/** The program of the processes around them. @throws as `trainingThreadFile` */
export function trainingProcessFile(): string {
  return installedProgram('workers', 'training-process.js', MISSING);
}
