/**
 * Observations as one buffer of columns, so that a hundred thousand of them move to a thread without being copied or cloned:
 *
 *   f64 column[12][rows]   in the order of COLUMNS; NaN: not known
 *   names                  two lists of strings, to which the type and format columns point
 */
import { InvalidArgumentError } from '../errors.ts';
import type { Observation } from '../learning/types.ts';

export interface ObservationColumns {
  readonly rows: number;
  readonly buffer: ArrayBuffer;
  readonly dataTypes: readonly string[];
  readonly formats: readonly string[];
}

const NUMBERS = ['dataSize', 'latencyUs', 'atMs', 'propensity', 'inFlight', 'hourOfDay'] as const;
const OPTIONAL = ['cpuTimeUs', 'systemLoad', 'availableMemory'] as const;
/** Then: flags, data type, format. */
const COLUMNS = NUMBERS.length + OPTIONAL.length + 3;

const IS_GRPC = 1;
const IS_COMPRESSED = 2;
const WARM_KNOWN = 4;
const IS_WARM = 8;

/** More rows are refused: a thread out of memory could end the process. */
export const MAX_ROWS = 100_000;

/** @throws InvalidArgumentError for more than 100 000 observations */
export function packObservations(observations: readonly Observation[]): ObservationColumns {
  const rows = observations.length;
  if (rows > MAX_ROWS) throw new InvalidArgumentError('observations', observations, `at most ${MAX_ROWS}`);
  const values = new Float64Array(rows * COLUMNS);
  const dataTypes = new Map<string, number>();
  const formats = new Map<string, number>();
  for (const [row, observation] of observations.entries()) {
    let column = 0;
    const put = (value: number): void => {
      values[column * rows + row] = value;
      column += 1;
    };
    for (const name of NUMBERS) put(observation[name]);
    for (const name of OPTIONAL) put(observation[name] ?? Number.NaN);
    put(flagsOf(observation));
    put(codeOf(dataTypes, observation.dataType));
    put(codeOf(formats, observation.format));
  }
  return { rows, buffer: values.buffer, dataTypes: [...dataTypes.keys()], formats: [...formats.keys()] };
}

/** @throws InvalidArgumentError for columns that `packObservations` cannot have made */
export function unpackObservations(columns: ObservationColumns): Observation[] {
  const { rows, buffer, dataTypes, formats } = columns;
  if (!Number.isInteger(rows) || rows < 0 || rows > MAX_ROWS || buffer.byteLength !== rows * COLUMNS * 8) {
    throw new InvalidArgumentError('columns', columns, `columns of 0..${MAX_ROWS} observations`);
  }
  const values = new Float64Array(buffer);
  return Array.from({ length: rows }, (_, row) => {
    const at = (column: number): number => values[column * rows + row] ?? Number.NaN;
    const optional = (column: number): number | undefined => (Number.isNaN(at(column)) ? undefined : at(column));
    const flags = at(9);
    return {
      dataSize: at(0),
      latencyUs: at(1),
      atMs: at(2),
      propensity: at(3),
      inFlight: at(4),
      hourOfDay: at(5),
      cpuTimeUs: optional(6),
      systemLoad: optional(7),
      availableMemory: optional(8),
      method: (flags & IS_GRPC) !== 0 ? 'grpc' : 'zero_copy',
      compression: (flags & IS_COMPRESSED) !== 0,
      warm: (flags & WARM_KNOWN) === 0 ? undefined : (flags & IS_WARM) !== 0,
      dataType: dataTypes[at(10)] ?? '',
      format: formats[at(11)] ?? '',
    };
  });
}

function flagsOf({ method, compression, warm }: Observation): number {
  return (
    (method === 'grpc' ? IS_GRPC : 0) |
    (compression ? IS_COMPRESSED : 0) |
    (warm === undefined ? 0 : WARM_KNOWN) |
    (warm === true ? IS_WARM : 0)
  );
}

function codeOf(names: Map<string, number>, name: string): number {
  const known = names.get(name);
  if (known !== undefined) return known;
  const code = names.size;
  names.set(name, code);
  return code;
}
