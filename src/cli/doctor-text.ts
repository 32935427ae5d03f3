/** The machine card as people read it. */
import type { Checked, Finding, MachineReport, Room } from '../doctor/report.ts';
import { fingerprintText, type LaneLine, type MachineCard } from '../learning/machine-card.ts';
import { formatBytes, formatMBps, formatShare, formatUs, NOTHING } from './quantity.ts';
import { printable, table } from './text.ts';

export function doctorText(report: MachineReport, host: readonly Checked[]): string {
  const { machine, card, surroundings, problems, advice } = report;
  return [
    printable(fingerprintText(machine)),
    ...(card === undefined ? ['nothing could be measured'] : measured(card)),
    '',
    ...here(report),
    ...hostLines(host),
    ...(problems.length === 0 ? [] : ['', 'went wrong', ...problems.map((problem) => `  ${printable(problem)}`)]),
    '',
    ...(advice.length === 0
      ? [`nothing is missing (Node ${surroundings.nodeVersion})`]
      : ['missing', ...advice.map((each) => `  ${printable(each)}`)]),
  ].join('\n');
}

function measured(card: MachineCard): string[] {
  const { tookMs, systemLoad } = card;
  const busy = systemLoad === null ? '' : `, ${formatShare(systemLoad)} of its cores busy meanwhile`;
  return [
    `measured in ${(tookMs / 1000).toFixed(1)} s${busy}`,
    '',
    ...laneTable(card),
    ...crossing(card),
    '',
    ...memoryLines(card),
    ...windowTable(card),
  ];
}

function laneTable({ grpc, zeroCopy }: MachineCard): string[] {
  const rows: (readonly [name: string, line: LaneLine | null | undefined, roundTripUs?: number | undefined])[] = [
    ['gRPC', grpc, grpc.roundTripUs],
    ['gRPC, gzip', grpc.gzip],
    [`zero-copy${zeroCopy === null ? '' : ` (${zeroCopy.memoryLane})`}, warm`, zeroCopy, zeroCopy?.roundTripUs],
    ['cold memory adds', zeroCopy?.cold],
  ];
  return table(
    [
      { title: 'transfers', align: 'left' },
      { title: '1 KiB' },
      { title: 'fixed' },
      { title: 'each MiB' },
      { title: 'rate' },
      { title: 'sent' },
    ],
    rows.map(([name, line, roundTripUs]) => [
      name,
      roundTripUs === undefined ? NOTHING : formatUs(roundTripUs),
      ...(line == null
        ? [NOTHING, NOTHING, NOTHING, NOTHING]
        : [
            formatUs(line.fixedUs),
            formatUs(line.usPerByte * MEBIBYTE),
            formatMBps(1 / line.usPerByte),
            String(line.transfers),
          ]),
    ]),
  );
}

const MEBIBYTE = 2 ** 20;

/** Where the lines of both lanes cross: what a fresh pool believes, in one figure. */
function crossing({ grpc, zeroCopy }: MachineCard): string[] {
  if (zeroCopy === null) return [];
  const say = (what: string, line: LaneLine): string[] => {
    const gain = grpc.usPerByte - line.usPerByte;
    const extra = line.fixedUs - grpc.fixedUs;
    if (gain <= 0) return [`${what}: ${extra < 0 ? 'zero-copy for small payloads only' : 'gRPC at every size'}`];
    return [`${what}: zero-copy ${extra <= 0 ? 'at every size' : `from ${formatBytes(extra / gain)} on`}`];
  };
  const { cold, fixedUs, usPerByte } = zeroCopy;
  const whole = cold && { ...cold, fixedUs: fixedUs + cold.fixedUs, usPerByte: usPerByte + cold.usPerByte };
  return ['', ...say('warm memory', zeroCopy), ...(whole === null ? [] : say('cold memory', whole))];
}

function memoryLines({ memory }: MachineCard): string[] {
  if (memory === null) return [];
  return [
    `fresh shared memory   ${formatUs(memory.faultUsPerMiB)} each MiB (${formatMBps(memory.faultMBps)})`,
    `copy into warm        ${formatMBps(memory.copyMBps)}`,
    '',
  ];
}

function windowTable({ windows }: MachineCard): string[] {
  if (windows.length === 0) return [];
  return table(
    [{ title: 'plain gRPC, unary', align: 'left' }, { title: 'default window' }, { title: "pitwall's window" }],
    windows.map(({ bytes, defaultMBps, tunedMBps }) => [
      formatBytes(bytes),
      formatMBps(defaultMBps),
      formatMBps(tunedMBps),
    ]),
  );
}

function here({ surroundings }: MachineReport): string[] {
  const { sharedMemory, packages, python, room } = surroundings;
  return [
    ...findings('shared memory', sharedMemory),
    ...findings('packages', [...packages, python]),
    `room           ${roomText(room)}`,
  ];
}

/** What works in one line; what does not, each with its reason. */
function findings(title: string, all: readonly Finding[]): string[] {
  const working = all.filter(({ works }) => works).map(({ name }) => name);
  const broken = all.filter(({ works }) => !works);
  return [
    `${title.padEnd(13)}  ${working.length === 0 ? 'none' : working.join(', ')}`,
    ...broken.map(({ name, problem }) => `               not ${name}: ${printable(problem)}`),
  ];
}

function roomText({
  directory,
  directoryFreeBytes,
  controlGroupLimitBytes,
  availableBytes,
  machineBytes,
}: Room): string {
  const free = directoryFreeBytes === undefined ? 'not there' : `${formatBytes(directoryFreeBytes)} free`;
  const limit = controlGroupLimitBytes === undefined ? 'none' : formatBytes(controlGroupLimitBytes);
  return `${formatBytes(availableBytes)} of ${formatBytes(machineBytes)} may be taken; control group's limit ${limit}; ${printable(directory)} ${free}`;
}

/** Each finding in a line, what to do about it in the next. */
function hostLines(host: readonly Checked[]): string[] {
  return host.flatMap(({ subject, ok, message, whatToDo }) => [
    `${subject.padEnd(13)}  ${ok ? '' : 'WRONG: '}${printable(message)}`,
    ...(ok ? [] : [`               ${printable(whatToDo)}`]),
  ]);
}
