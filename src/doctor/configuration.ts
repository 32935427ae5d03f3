/** A configuration against itself, and against the machine and the directory that it will meet. */
import { resolve } from 'node:path';
import { checkConfig } from '../config/parse.ts';
import type { RuntimeConfig } from '../config/types.ts';
import type { Checked, Room } from './report.ts';

/**
 * @param options what `startRuntime` would be given
 * @param dataDir the directory that was examined
 */
export function examineConfiguration(options: unknown, dataDir: string | undefined, room: Room): Checked[] {
  const checked = checkConfig(options);
  if (!checked.ok) {
    return checked.problems.map(({ message }) =>
      problem(message, 'docs/configuration.md lists every key with its range'),
    );
  }
  const { config } = checked;
  const findings = [...againstRoom(config, room), ...againstDirectory(config, dataDir), ...surprising(config)];
  const valid: Checked = {
    subject: 'configuration',
    ok: true,
    message: `valid, ${config.pools.length} ${config.pools.length === 1 ? 'pool' : 'pools'}`,
    whatToDo: '',
  };
  return [valid, ...findings];
}

function againstRoom({ sharedMemoryLimit }: RuntimeConfig, { availableBytes }: Room): Checked[] {
  if (sharedMemoryLimit === undefined || sharedMemoryLimit <= availableBytes) return [];
  const [wanted, there] = [sharedMemoryLimit, availableBytes].map((bytes) => Math.floor(bytes / 2 ** 20));
  return [
    problem(
      `sharedMemoryLimitMb is ${wanted}, and only ${there} MiB may be taken here`,
      'lower it, or raise the limit of the control group: what does not fit goes by gRPC',
    ),
  ];
}

function againstDirectory({ dataDir }: RuntimeConfig, examined: string | undefined): Checked[] {
  if (dataDir === false || examined === undefined || resolve(dataDir) === resolve(examined)) return [];
  return [
    problem(
      `it keeps its data in ${dataDir}, and ${examined} was looked at`,
      `call pitwall doctor with --data-dir ${dataDir}: the machine's card must lie where the host looks for it`,
    ),
  ];
}

function surprising({ enabled, dataDir }: RuntimeConfig): Checked[] {
  const findings: Checked[] = [];
  if (!enabled) findings.push(problem('enabled is false: every decision is gRPC', 'leave it out, or runtime.enable()'));
  if (dataDir === false) {
    findings.push(problem('dataDir is false: nothing survives a restart', 'name a directory if that is not meant'));
  }
  return findings;
}

function problem(message: string, whatToDo: string): Checked {
  return { subject: 'configuration', ok: false, message, whatToDo };
}
