import type { ExitReason } from '../../../src/otp/index.ts';
import { isList, isObject, type Json } from './json.ts';

/** A term of a scenario as an exit reason: `["shutdown", X]` is the one with a meaning. */
export function termOf(json: Json | undefined): ExitReason {
  if (!isList(json)) return json;
  const [head, rest] = json;
  return head === 'shutdown' && json.length === 2 ? { shutdown: termOf(rest) } : json.map(termOf);
}

/** How an error of pitwall's reads in OTP's tuples. The first field names the term, the others are its elements. */
const TUPLES: ReadonlyMap<string, readonly string[]> = new Map([
  ['EXIT', ['reason']],
  ['already_started', ['ref']],
  ['failed_to_start_child', ['id', 'reason']],
  ['supervisor_data', ['error']],
  ['start_spec', ['error']],
  ['bad_start_spec', ['ids']],
  ['duplicate_child_name', ['id']],
  ['bad_combination', ['fields']],
]);

/** Writes any reason, result or error as a trace does. `nameOf` names processes, and says `undefined` for what is none. */
export function encode(value: unknown, nameOf: (value: object) => string | undefined): Json {
  if (value === undefined || value === null) return 'undefined';
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (isList(value)) return value.map((element) => encode(element, nameOf));
  if (typeof value !== 'object') throw new TypeError(`not a term: ${String(value)}`);
  const name = nameOf(value);
  if (name !== undefined) return name;
  if (!isObject(value)) throw new TypeError('not a term');
  return encodeTuple(value, nameOf);
}

function encodeTuple(value: { readonly [key: string]: unknown }, nameOf: (value: object) => string | undefined): Json {
  const { type } = value;
  if ('shutdown' in value && type === undefined) return ['shutdown', encode(value.shutdown, nameOf)];
  if (typeof type !== 'string') throw new TypeError(`not a term: ${JSON.stringify(value)}`);
  if (type === 'start_failed') return [encode(value.reason, nameOf), encode(value.id, nameOf)];
  if (type.startsWith('invalid_')) return [type, encode(value.value, nameOf)];
  const fields = TUPLES.get(type);
  return fields === undefined ? type : [type, ...fields.map((field) => encode(value[field], nameOf))];
}
