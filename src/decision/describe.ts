/**
 * Step 1: from whatever a host gave to a request that can be decided, or to what is wrong with it. Never throws, for any JavaScript value;
 * reads each property once, since a getter may answer differently the second time.
 */
import { describeValue } from '../errors.ts';
import { describePayload } from './payload.ts';
import type { Attributes, TransferRequest } from './types.ts';

export type Described =
  | { readonly ok: true; readonly request: TransferRequest }
  | { readonly ok: false; readonly problem: string };

/** Longest name of a pool, data type, format or session. */
const LONGEST_NAME = 256;
const MAX_ATTRIBUTES = 32;

/**
 * Accepts `{ pool, data }`, where the payload describes itself, or `{ pool, dataSize, dataType?, format? }`; both may carry `compression`,
 * `sessionId`, `attributes`, `signal`. An explicit `dataSize`, `dataType` or `format` wins over what `data` says.
 */
export function describeRequest(given: unknown): Described {
  try {
    return describe(given);
  } catch {
    // A proxy's trap or a getter threw.
    return refused('request', 'a value whose properties cannot be read', 'an object with readable properties');
  }
}

function describe(given: unknown): Described {
  if (typeof given !== 'object' || given === null) return refused('request', describeValue(given), 'an object');
  const source: RequestShape = given;
  const pool = source.pool;
  if (!isName(pool)) return refused('pool', describeValue(pool), `a string of 1..${LONGEST_NAME} characters`);
  const { dataSize, dataType, format, compression, sessionId, attributes } = source;
  const payload = dataSize === undefined || dataType === undefined ? describePayload(source.data) : undefined;
  const size = dataSize ?? payload?.dataSize;
  if (typeof size !== 'number' || !(size >= 0) || !(size <= Number.MAX_SAFE_INTEGER)) {
    return refused(
      dataSize === undefined ? 'data' : 'dataSize',
      describeValue(size ?? source.data),
      'a payload, or its size in bytes >= 0',
    );
  }
  if (dataType !== undefined && !isName(dataType))
    return refused('dataType', describeValue(dataType), 'a short string');
  if (format !== undefined && !isName(format)) return refused('format', describeValue(format), 'a short string');
  if (compression !== undefined && typeof compression !== 'boolean') {
    return refused('compression', describeValue(compression), 'true or false');
  }
  if (sessionId !== undefined && !isName(sessionId))
    return refused('sessionId', describeValue(sessionId), 'a short string');
  const type = dataType ?? payload?.dataType ?? 'binary';
  return {
    ok: true,
    request: {
      pool,
      dataSize: size,
      dataType: type,
      format: format ?? payload?.format ?? defaultFormat(type),
      compression: compression === true,
      sessionId,
      attributes: attributes === undefined ? undefined : readAttributes(attributes),
    },
  };
}

/** What is read of a request; everything is checked before it is used. */
interface RequestShape {
  readonly pool?: unknown;
  readonly data?: unknown;
  readonly dataSize?: unknown;
  readonly dataType?: unknown;
  readonly format?: unknown;
  readonly compression?: unknown;
  readonly sessionId?: unknown;
  readonly attributes?: unknown;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= LONGEST_NAME;
}

function defaultFormat(dataType: string): string {
  if (dataType === 'tensor') return 'numpy';
  if (dataType === 'dataframe') return 'arrow';
  return dataType === 'json' ? 'json' : 'raw';
}

/** Rules may look at attributes; what is no plain value is left out. */
function readAttributes(given: unknown): Attributes | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  const attributes: Record<string, string | number | boolean> = Object.create(null);
  for (const [key, value] of Object.entries(given).slice(0, MAX_ATTRIBUTES)) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') attributes[key] = value;
  }
  return Object.freeze(attributes);
}

function refused(field: string, given: string, accepted: string): Described {
  return { ok: false, problem: `${field}: expected ${accepted}, got ${given}` };
}
