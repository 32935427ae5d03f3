/** What is here, what is not, and how to get it. */
import { statfsSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { PYTHON, withPython } from '../transports/find-python.ts';
import { MachineRoom } from '../transports/memory/machine-room.ts';
import { openArena } from '../transports/memory/open-arena.ts';
import type { MemoryLane } from '../transports/memory/types.ts';
import { tryPackages } from './package-trial.ts';
import type { Finding, Room, SharedMemoryFinding, Surroundings } from './report.ts';

const MEMORY_LANES: readonly MemoryLane[] = ['memfd', 'file', 'copy'];
const PACKAGES = ['lmdb', 'piscina', '@grpc/grpc-js', 'apache-arrow'];
const TRIAL_BYTES = 2 ** 20;
const PYTHON_TIMEOUT_MS = 5_000;

/** Never rejects. */
export async function lookAround(shmDir: string): Promise<Surroundings> {
  const [sharedMemory, python, packages] = await Promise.all([
    tryMemoryLanes(shmDir),
    tryPython(),
    tryPackages(PACKAGES),
  ]);
  return {
    nodeVersion: process.versions.node,
    cores: cpus().length,
    room: roomIn(shmDir),
    sharedMemory,
    packages: [koffiBy(sharedMemory), ...packages],
    python,
  };
}

/** How to get what is missing, a sentence each; the most important first. */
export function adviceOn({ sharedMemory, packages, python, room }: Surroundings): string[] {
  const advice: string[] = [];
  const works = (name: string): boolean => packages.find((each) => each.name === name)?.works === true;
  const usable = sharedMemory.find((lane) => lane.works);
  if (!works('@grpc/grpc-js')) advice.push('Install @grpc/grpc-js (npm install @grpc/grpc-js): workers need it.');
  if (usable === undefined) {
    advice.push(
      process.platform === 'linux'
        ? `There is no shared memory, so every payload goes by gRPC: mount a tmpfs at ${room.directory}, writable for this user (in a container: --shm-size, or an emptyDir of medium Memory).`
        : 'Shared memory needs Linux: here every payload goes by gRPC.',
    );
  } else if (!works('koffi') && process.platform === 'linux') {
    advice.push(
      `Shared memory is read and written (lane ${usable.name}), not mapped: install koffi (npm install koffi; its binaries come with it, no compiler) for transfers without a copy.`,
    );
  }
  if (!works('lmdb')) {
    advice.push(
      'Install lmdb (npm install lmdb, with optional dependencies, which hold its binaries): without it nothing survives the process.',
    );
  }
  if (!works('piscina')) advice.push('Install piscina (npm install piscina): without it no model is trained.');
  if (!python.works) {
    advice.push(
      'For workers in Python install numpy and grpcio (Debian: python3-numpy, python3-grpcio), or name a Python that has them with PITWALL_PYTHON.',
    );
  }
  const least = Math.min(room.availableBytes, usable?.name === 'memfd' ? Infinity : (room.directoryFreeBytes ?? 0));
  if (usable !== undefined && least < LITTLE_ROOM) {
    advice.push(
      `Only ${Math.floor(least / 2 ** 20)} MiB may be taken for shared memory: what does not fit goes by gRPC; raise the limit of the control group, or the size of ${room.directory}.`,
    );
  }
  return advice;
}

/** Of a pool's default. */
const LITTLE_ROOM = 256 * 2 ** 20;

async function tryMemoryLanes(shmDir: string): Promise<SharedMemoryFinding[]> {
  const findings: SharedMemoryFinding[] = [];
  const nowMs = (): number => performance.timeOrigin + performance.now();
  for (const lane of MEMORY_LANES) {
    try {
      (await openArena({ bytes: TRIAL_BYTES, lane, shmDir, nowMs })).close();
      findings.push({ name: lane, works: true, problem: '' });
    } catch (error) {
      const said = messageOf(error).replace(/^no shared memory: /, '');
      findings.push({ name: lane, works: false, problem: said.replace(new RegExp(`^${lane}: `), '') });
    }
  }
  return findings;
}

/** Native code that ends a process would end this one: what the trial in a child process said counts, nothing is loaded here. */
function koffiBy(lanes: readonly SharedMemoryFinding[]): Finding {
  const mapped = lanes.filter(({ name }) => name !== 'copy');
  const works = mapped.some((lane) => lane.works);
  return { name: 'koffi', works, problem: works ? '' : (mapped[0]?.problem ?? '') };
}

async function tryPython(): Promise<Finding> {
  const { env } = process;
  const found = withPython({ command: [PYTHON], python: env.PITWALL_PYTHON || undefined, env });
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('did not answer in time')), PYTHON_TIMEOUT_MS);
  });
  try {
    await Promise.race([found, tooLong]);
    return { name: 'python', works: true, problem: '' };
  } catch (error) {
    found.catch(() => undefined);
    return { name: 'python', works: false, problem: firstLine(messageOf(error)) };
  } finally {
    clearTimeout(timer);
  }
}

function roomIn(directory: string): Room {
  const limit = process.constrainedMemory();
  const machineBytes = totalmem();
  return {
    directory,
    directoryFreeBytes: freeIn(directory),
    // Without a limit it says 0, or more than there is.
    controlGroupLimitBytes: limit > 0 && limit < machineBytes ? limit : undefined,
    availableBytes: new MachineRoom().bytes(performance.now(), Number.POSITIVE_INFINITY),
    machineBytes,
  };
}

function freeIn(directory: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
