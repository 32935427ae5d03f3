/**
 * A trained model as one ArrayBuffer of flat arrays: transferred between threads without a copy, stored as it is, read without parsing.
 *
 *   byte 0   u32 magic 'PWBT' | u32 version | u32 checksum of all that follows byte 12 | u32 meta bytes
 *       16   u32 trees of gRPC | u32 trees of zero-copy | u32 nodes | u32 features
 *       32   f64 threshold[nodes]      split value; in a leaf the value
 *            i32 root[trees]           gRPC's trees first
 *            i32 right[nodes]          left child of node i is i + 1
 *            i16 feature[nodes]        -1: leaf
 *            u8  meta[]                JSON, UTF-8: vocabulary, pool, statistic
 *
 * A row goes left where value < threshold, as in ml-cart: predictions are identical to its own.
 */
import { PitwallError } from '../errors.ts';
import { FEATURE_COUNT } from './tree-features.ts';
import type { Lane } from './types.ts';
import type { WeakTree } from './weak-tree.ts';

export const COMPILED_VERSION = 1;
/** No model is larger: what claims to be is refused unread. */
export const MAX_COMPILED_BYTES = 8 * 1024 * 1024;

const MAGIC = 0x54425750;
const HEADER_BYTES = 32;
const CHECKED_FROM = 12;
/** A single leaf beyond this, as a natural logarithm, is no correction. */
const MAX_LEAF = 10;

export interface CompiledMeta {
  readonly dataTypes: readonly string[];
  readonly formats: readonly string[];
}

export function compileTrees(
  grpc: readonly WeakTree[],
  zeroCopy: readonly WeakTree[],
  meta: CompiledMeta,
): ArrayBuffer {
  const trees = [...grpc, ...zeroCopy];
  const nodes = trees.reduce((sum, tree) => sum + tree.feature.length, 0);
  const text = new TextEncoder().encode(JSON.stringify(meta));
  const layout = layoutOf(trees.length, nodes, text.length);
  const buffer = new ArrayBuffer(layout.bytes);
  const view = new DataView(buffer);
  for (const [index, value] of [
    MAGIC,
    COMPILED_VERSION,
    0,
    text.length,
    grpc.length,
    zeroCopy.length,
    nodes,
    FEATURE_COUNT,
  ].entries()) {
    view.setUint32(index * 4, value, true);
  }
  let next = 0;
  for (const [index, tree] of trees.entries()) {
    view.setInt32(layout.root + index * 4, next, true);
    for (const [node, feature] of tree.feature.entries()) {
      const at = next + node;
      const right = tree.right[node] ?? -1;
      view.setFloat64(layout.threshold + at * 8, tree.threshold[node] ?? 0, true);
      view.setInt32(layout.right + at * 4, right < 0 ? -1 : next + right, true);
      view.setInt16(layout.feature + at * 2, feature, true);
    }
    next += tree.feature.length;
  }
  new Uint8Array(buffer, layout.meta).set(text);
  view.setUint32(8, checksum(new Uint8Array(buffer, CHECKED_FROM)), true);
  return buffer;
}

/** A model that was checked and can be asked. Immutable. */
export class CompiledTrees {
  readonly meta: CompiledMeta;
  readonly grpcTrees: number;
  readonly zeroCopyTrees: number;
  readonly #threshold: Float64Array;
  readonly #root: Int32Array;
  readonly #right: Int32Array;
  readonly #feature: Int16Array;

  /** @throws PitwallError `PITWALL_INVALID_MODEL` with the reason, for a buffer that `compileTrees` of this version cannot have made. */
  constructor(buffer: ArrayBuffer) {
    const { header, meta } = checkedHeader(buffer);
    const layout = layoutOf(header.grpcTrees + header.zeroCopyTrees, header.nodes, header.metaBytes);
    this.meta = meta;
    this.grpcTrees = header.grpcTrees;
    this.zeroCopyTrees = header.zeroCopyTrees;
    this.#threshold = new Float64Array(buffer, layout.threshold, header.nodes);
    this.#root = new Int32Array(buffer, layout.root, header.grpcTrees + header.zeroCopyTrees);
    this.#right = new Int32Array(buffer, layout.right, header.nodes);
    this.#feature = new Int16Array(buffer, layout.feature, header.nodes);
    this.#checkNodes();
  }

  /** Sum of the lane's trees for a row of `TreeFeatures`. */
  predict(lane: Lane, row: Float64Array): number {
    const from = lane === 'grpc' ? 0 : this.grpcTrees;
    const to = lane === 'grpc' ? this.grpcTrees : this.#root.length;
    const feature = this.#feature;
    const threshold = this.#threshold;
    const right = this.#right;
    let sum = 0;
    for (let tree = from; tree < to; tree += 1) {
      let node = this.#root[tree] ?? 0;
      let split = feature[node] ?? -1;
      while (split >= 0) {
        node = (row[split] ?? 0) < (threshold[node] ?? 0) ? node + 1 : (right[node] ?? 0);
        split = feature[node] ?? -1;
      }
      sum += threshold[node] ?? 0;
    }
    return sum;
  }

  /** Every path ends: children lie behind their parent and within their tree. */
  #checkNodes(): void {
    const nodes = this.#feature.length;
    for (let node = 0; node < nodes; node += 1) {
      const feature = this.#feature[node] ?? -1;
      const threshold = this.#threshold[node] ?? Number.NaN;
      const right = this.#right[node] ?? -1;
      if (!Number.isFinite(threshold)) refuse(`node ${node} holds ${threshold}`);
      if (feature < 0 && Math.abs(threshold) > MAX_LEAF) refuse(`leaf ${node} says ${threshold}`);
      if (feature >= FEATURE_COUNT) refuse(`node ${node} asks for feature ${feature}`);
      if (feature >= 0 && (right <= node + 1 || right >= nodes)) refuse(`node ${node} leads to ${right}`);
    }
    for (const root of this.#root) if (root < 0 || root >= nodes) refuse(`a tree starts at node ${root}`);
  }
}

interface Header {
  readonly metaBytes: number;
  readonly grpcTrees: number;
  readonly zeroCopyTrees: number;
  readonly nodes: number;
}

function checkedHeader(buffer: ArrayBuffer): { header: Header; meta: CompiledMeta } {
  if (buffer.byteLength < HEADER_BYTES) refuse(`${buffer.byteLength} bytes are less than a header`);
  if (buffer.byteLength > MAX_COMPILED_BYTES) refuse(`${buffer.byteLength} bytes are more than ${MAX_COMPILED_BYTES}`);
  const view = new DataView(buffer);
  const word = (index: number): number => view.getUint32(index * 4, true);
  if (word(0) !== MAGIC) refuse('it is no compiled model');
  if (word(1) !== COMPILED_VERSION) refuse(`version ${word(1)}, expected ${COMPILED_VERSION}`);
  if (word(7) !== FEATURE_COUNT) refuse(`${word(7)} features, expected ${FEATURE_COUNT}`);
  const header = { metaBytes: word(3), grpcTrees: word(4), zeroCopyTrees: word(5), nodes: word(6) };
  const layout = layoutOf(header.grpcTrees + header.zeroCopyTrees, header.nodes, header.metaBytes);
  if (layout.bytes !== buffer.byteLength) refuse(`${buffer.byteLength} bytes, its header says ${layout.bytes}`);
  if (word(2) !== checksum(new Uint8Array(buffer, CHECKED_FROM))) refuse('the checksum is wrong');
  return { header, meta: checkedMeta(new Uint8Array(buffer, layout.meta)) };
}

/** @throws PitwallError `PITWALL_INVALID_MODEL` */
export function checkedMeta(bytes: Uint8Array): CompiledMeta {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof value === 'object' && value !== null) {
      const { dataTypes, formats }: { dataTypes?: unknown; formats?: unknown } = value;
      if (isNames(dataTypes) && isNames(formats)) return { dataTypes, formats };
    }
  } catch {
    // Falls through: one reason for all that is no meta.
  }
  return refuse('its names cannot be read');
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}

function layoutOf(trees: number, nodes: number, metaBytes: number) {
  const threshold = HEADER_BYTES;
  const root = threshold + nodes * 8;
  const right = root + trees * 4;
  const feature = right + nodes * 4;
  const meta = feature + nodes * 2;
  return { threshold, root, right, feature, meta, bytes: meta + metaBytes };
}

/** FNV-1a, 32 bits (Fowler, Noll, Vo): finds damage, not malice. */
export function checksum(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i += 1) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  return hash >>> 0;
}

function refuse(reason: string): never {
  throw new PitwallError('PITWALL_INVALID_MODEL', `model refused: ${reason}`);
}
