/** Rows of a paired trace: transfers of which both lanes were measured. Parsing is pure; who reads the file is not here. */

/** One transfer, both lanes known. */
export interface TraceRow {
  /** Milliseconds since the trace began. */
  readonly atMs: number;
  readonly pool: string;
  readonly dataSize: number;
  readonly dataType: string;
  readonly format: string;
  readonly compression: boolean;
  readonly inFlight: number;
  readonly systemLoad: number | undefined;
  readonly availableMemory: number | undefined;
  /** Bytes that were mapped and faulted in, free for this transfer; undefined: the trace does not say. */
  readonly warmBytes: number | undefined;
  readonly grpcUs: number;
  readonly zeroCopyUs: number;
  readonly grpcCpuUs: number | undefined;
  readonly zeroCopyCpuUs: number | undefined;
}

export interface TraceProblem {
  /** Counted from 1. */
  readonly line: number;
  readonly problem: string;
}

/** Longest name that a row may carry. */
const MAX_NAME = 256;

/** A row, or what is wrong with the line. Never throws. */
export function parseTraceLine(text: string): TraceRow | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'not JSON';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'not an object';
  const row: Record<string, unknown> = { ...value };
  const grpc = laneOf(row.grpc);
  const zeroCopy = laneOf(row.zeroCopy);
  const dataSize = numberIn(row.dataSize, 0, Number.MAX_SAFE_INTEGER);
  const atMs = numberIn(row.t, 0, Number.MAX_SAFE_INTEGER);
  if (dataSize === undefined) return 'dataSize: expected a number >= 0';
  if (atMs === undefined) return 't: expected a number >= 0';
  if (grpc === undefined) return 'grpc.latencyUs: expected a number > 0';
  if (zeroCopy === undefined) return 'zeroCopy.latencyUs: expected a number > 0';
  return {
    atMs,
    pool: nameOr(row.pool, 'default'),
    dataSize,
    dataType: nameOr(row.dataType, 'binary'),
    format: nameOr(row.format, 'raw'),
    compression: typeof row.compression === 'string' ? row.compression !== 'none' : row.compression === true,
    inFlight: numberIn(row.inFlight, 1, 1e6) ?? 1,
    systemLoad: numberIn(row.systemLoad, 0, 1),
    availableMemory: numberIn(row.availableMemory, 0, Number.MAX_SAFE_INTEGER),
    warmBytes: numberIn(row.warmBytes, 0, Number.MAX_SAFE_INTEGER),
    grpcUs: grpc.latencyUs,
    zeroCopyUs: zeroCopy.latencyUs,
    grpcCpuUs: grpc.cpuUs,
    zeroCopyCpuUs: zeroCopy.cpuUs,
  };
}

/** All usable rows in order, and the problems of the others; blank lines are neither. */
export function parseTrace(text: string): { rows: TraceRow[]; problems: TraceProblem[] } {
  const rows: TraceRow[] = [];
  const problems: TraceProblem[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const parsed = parseTraceLine(line);
    if (typeof parsed === 'string') problems.push({ line: index + 1, problem: parsed });
    else rows.push(parsed);
  }
  return { rows, problems };
}

function laneOf(value: unknown): { latencyUs: number; cpuUs: number | undefined } | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const lane: Record<string, unknown> = { ...value };
  const latencyUs = numberIn(lane.latencyUs, Number.MIN_VALUE, 1e12);
  return latencyUs === undefined ? undefined : { latencyUs, cpuUs: numberIn(lane.cpuUs, 0, 1e12) };
}

function numberIn(value: unknown, low: number, high: number): number | undefined {
  return typeof value === 'number' && value >= low && value <= high ? value : undefined;
}

function nameOr(value: unknown, fallback: string): string {
  return typeof value === 'string' && value.length > 0 ? value.slice(0, MAX_NAME) : fallback;
}
