/** What the doctor has to say of a machine. Types only. */
import type { MachineCard, MachineFingerprint } from '../learning/machine-card.ts';
import type { MemoryLane } from '../transports/memory/types.ts';

/** Whether something works here, and why not. */
export interface Finding {
  readonly name: string;
  readonly works: boolean;
  /** Empty where it works. */
  readonly problem: string;
}

export interface SharedMemoryFinding extends Finding {
  readonly name: MemoryLane;
}

export interface Room {
  /** Directory on tmpfs for shared memory that needs a name. */
  readonly directory: string;
  /** Bytes free there (statfs); undefined: no such directory. */
  readonly directoryFreeBytes: number | undefined;
  /** Limit of the control group around this process; undefined: none. */
  readonly controlGroupLimitBytes: number | undefined;
  /** Bytes that this process may still take: of the machine, and of every control group around it. */
  readonly availableBytes: number;
  readonly machineBytes: number;
}

export interface Surroundings {
  readonly nodeVersion: string;
  readonly cores: number;
  readonly room: Room;
  /** How memory can be shared, the best way first. */
  readonly sharedMemory: readonly SharedMemoryFinding[];
  readonly packages: readonly Finding[];
  readonly python: Finding;
}

/** Something of a host that was looked at: its store, its models, its configuration. */
export interface Checked {
  readonly subject: 'store' | 'models' | 'configuration';
  readonly ok: boolean;
  /** What was found. */
  readonly message: string;
  /** Empty where all is well. */
  readonly whatToDo: string;
}

export interface MachineReport {
  readonly machine: MachineFingerprint;
  /** Undefined where not even gRPC could be measured. */
  readonly card: MachineCard | undefined;
  readonly surroundings: Surroundings;
  /** Whether both lanes carried payloads to a real worker. */
  readonly bothLanesWork: boolean;
  /** What went wrong while measuring. */
  readonly problems: readonly string[];
  /** What is missing and how to get it, a sentence each. */
  readonly advice: readonly string[];
}
