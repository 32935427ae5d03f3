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
/** A hostile value may describe itself at any length. */
const LONGEST_PROBLEM = 400;

/**
 * Accepts `{ pool, data }`, where the payload describes itself, or `{ pool, dataSize, dataType?, format? }`; both may carry `compression`,
 * `sessionId`, `attributes`. An explicit `dataSize`, `dataType` or `format` wins over what `data` says, and spares looking at it. Other keys, such
 * as `signal`, are none of a decision's business and are left alone.
 *
 * What it costs is bounded whatever `data` is (`payload.ts`), but for two things that no caller can bound: getters and proxies of the host's own,
 * and that the engine lists all keys of an object before it hands out the first.
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
  const { pool, dataSize, dataType, format, compression, sessionId, attributes, inPlace } = source;
  if (!isName(pool)) return refusedName('pool', pool);
  if (dataType !== undefined && !isName(dataType)) return refusedName('dataType', dataType);
  if (format !== undefined && !isName(format)) return refusedName('format', format);
  if (sessionId !== undefined && !isName(sessionId)) return refusedName('sessionId', sessionId);
  if (compression !== undefined && typeof compression !== 'boolean') {
    return refused('compression', describeValue(compression), 'true or false');
  }
  const data = dataSize === undefined || dataType === undefined ? source.data : undefined;
  const payload = data === undefined ? undefined : describePayload(data);
  const size = dataSize ?? payload?.dataSize;
  if (!isSize(size)) {
    return dataSize === undefined
      ? refused('data', describeValue(data), 'a payload, or `dataSize` in its place')
      : refused('dataSize', describeValue(dataSize), `bytes, a number in 0..${Number.MAX_SAFE_INTEGER}`);
  }
  const type = dataType ?? payload?.dataType ?? 'binary';
  return {
    ok: true,
    request: {
      pool,
      dataSize: Math.round(size),
      dataType: type,
      format: format ?? payload?.format ?? defaultFormat(type),
      compression: compression === true,
      sessionId,
      attributes: attributes === undefined ? undefined : readAttributes(attributes),
      inPlace: inPlace === true || undefined,
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
  readonly inPlace?: unknown;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= LONGEST_NAME;
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}

function defaultFormat(dataType: string): string {
  if (dataType === 'tensor') return 'numpy';
  if (dataType === 'dataframe') return 'arrow';
  return dataType === 'json' ? 'json' : 'raw';
}

/** Rules may look at attributes; what is no plain value is left out, and so is what goes beyond the limit. */
function readAttributes(given: unknown): Attributes | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  const attributes: Record<string, string | number | boolean> = Object.create(null);
  let taken = 0;
  for (const key in given) {
    if (taken >= MAX_ATTRIBUTES) break;
    if (!Object.hasOwn(given, key)) continue;
    const value = (given as Record<string, unknown>)[key]; // The key comes from the object itself.
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') continue;
    attributes[key] = value;
    taken += 1;
  }
  return Object.freeze(attributes);
}

function refusedName(field: string, given: unknown): Described {
  const got = typeof given === 'string' ? `a string of ${given.length}` : describeValue(given);
  return refused(field, got, `a string of 1..${LONGEST_NAME} characters`);
}

function refused(field: string, given: string, accepted: string): Described {
  return { ok: false, problem: `${field}: expected ${accepted}, got ${given}`.slice(0, LONGEST_PROBLEM) };
}
