import { runInNewContext } from 'node:vm';
import { tableFromArrays } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/decision/decide.ts';
import { describeRequest } from '../../src/decision/describe.ts';
import { estimateJsonBytes, estimateTextBytes } from '../../src/decision/json-size.ts';
import { NOW_MS, policy, pool, resources } from './machine.ts';

describe('a payload that describes itself', () => {
  const table = tableFromArrays({ id: Int32Array.from({ length: 1000 }, (_, i) => i), value: new Float64Array(1000) });

  it.each([
    ['a Buffer', Buffer.alloc(10), { dataSize: 10, dataType: 'binary', format: 'raw' }],
    ['a view of a part', new Uint8Array(64).subarray(8, 24), { dataSize: 16, dataType: 'binary', format: 'raw' }],
    ['a DataView', new DataView(new ArrayBuffer(12), 4), { dataSize: 8, dataType: 'binary', format: 'raw' }],
    ['an ArrayBuffer', new ArrayBuffer(7), { dataSize: 7, dataType: 'binary', format: 'raw' }],
    ['a SharedArrayBuffer', new SharedArrayBuffer(9), { dataSize: 9, dataType: 'binary', format: 'raw' }],
    ['numbers', new Float32Array(4), { dataSize: 16, dataType: 'tensor', format: 'numpy' }],
    ['a tensor', { data: new Float64Array(4), shape: [2, 2] }, { dataSize: 32, dataType: 'tensor', format: 'numpy' }],
    ['an Arrow table', table, { dataSize: 12_000, dataType: 'dataframe', format: 'arrow' }],
    ['a text', 'äb', { dataSize: 3, dataType: 'text', format: 'raw' }],
    ['a document', { a: 1 }, { dataSize: 7, dataType: 'json', format: 'json' }],
    ['null', null, { dataSize: 4, dataType: 'json', format: 'json' }],
    [
      'bytes of another context',
      runInNewContext('new Uint8Array(5)'),
      { dataSize: 5, dataType: 'binary', format: 'raw' },
    ],
    [
      'a buffer of another context',
      runInNewContext('new ArrayBuffer(6)'),
      { dataSize: 6, dataType: 'binary', format: 'raw' },
    ],
  ])('%s', (_name, data, expected) => {
    expect(describeRequest({ pool: 'ml', data })).toMatchObject({ ok: true, request: expected });
  });

  it('is overruled by what the host says, and not looked at where the host says enough', () => {
    const data = new Float32Array(4);
    expect(describeRequest({ pool: 'ml', data, format: 'raw' })).toMatchObject({
      request: { dataSize: 16, dataType: 'tensor', format: 'raw' },
    });
    const untouchable = {
      pool: 'ml',
      dataSize: 48e6,
      dataType: 'tensor',
      get data() {
        throw new Error('looked at');
      },
    };
    expect(describeRequest(untouchable)).toMatchObject({ request: { dataSize: 48e6, format: 'numpy' } });
  });

  it('has its properties read once', () => {
    const reads: string[] = [];
    const request = new Proxy(
      { pool: 'ml', data: 'abc', compression: true },
      {
        get(target, key) {
          reads.push(String(key));
          return Reflect.get(target, key);
        },
      },
    );
    expect(describeRequest(request)).toMatchObject({ ok: true, request: { dataSize: 3, compression: true } });
    expect(reads.length).toBe(new Set(reads).size);
  });
});

describe('sizes of documents are estimates', () => {
  const rows = Array.from({ length: 5_000 }, (_, i) => ({ id: i, name: `name ${i}`, value: i / 7, ok: i % 2 === 0 }));

  it.each([
    ['rows', rows],
    ['columns', { id: rows.map((row) => row.id), name: rows.map((row) => row.name) }],
    ['a dictionary', Object.fromEntries(rows.map((row) => [row.name, row]))],
    ['dates', rows.map((row) => new Date(row.id * 1e9))],
    ['features', { type: 'FeatureCollection', features: rows.map(({ id }) => ({ id, at: [id / 7, id / 9] })) }],
  ])('within a tenth for %s', (_name, document) => {
    const ratio = estimateJsonBytes(document) / JSON.stringify(document).length;
    expect(ratio).toBeGreaterThan(0.9);
    expect(ratio).toBeLessThan(1.1);
  });

  it('look at a bounded number of values, however large, deep or endless the document is', () => {
    let looks = 0;
    const million = Array.from({ length: 1_000_000 });
    const counting = (): object =>
      new Proxy(million, {
        get(target, key) {
          looks += 1;
          return key === 'length' ? target.length : counting();
        },
      });
    expect(estimateJsonBytes(counting())).toBeGreaterThan(0);
    expect(looks).toBeLessThan(1_000);
    const endless: unknown[] = [];
    endless.push(endless, endless);
    expect(estimateJsonBytes(endless)).toBeGreaterThan(0);
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i += 1) deep = [deep];
    expect(estimateJsonBytes(deep)).toBeGreaterThan(0);
  });

  it('of texts are exact for short ones and follow beginning, middle and end of long ones', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        const wellFormed = text.toWellFormed();
        expect(estimateTextBytes(wellFormed)).toBe(Buffer.byteLength(wellFormed));
      }),
    );
    const mixed = `${'a'.repeat(50_000)}${'ä'.repeat(50_000)}`;
    expect(estimateTextBytes(mixed) / Buffer.byteLength(mixed)).toBeCloseTo(1, 0);
    expect(estimateTextBytes('é'.repeat(10_000))).toBe(20_000);
  });
});

describe('what is no request', () => {
  it.each([
    [undefined, 'request: expected an object, got undefined'],
    [{ dataSize: 1 }, 'pool: expected a string of 1..256 characters, got undefined'],
    [{ pool: 7, data: '' }, 'pool: expected a string of 1..256 characters, got 7'],
    [{ pool: 'x'.repeat(257), data: '' }, 'pool: expected a string of 1..256 characters, got a string of 257'],
    [{ pool: 'ml' }, 'data: expected a payload, or `dataSize` in its place, got undefined'],
    [{ pool: 'ml', data: () => 1 }, 'data: expected a payload, or `dataSize` in its place, got a function'],
    [{ pool: 'ml', data: Symbol('x') }, 'data: expected a payload, or `dataSize` in its place, got Symbol(x)'],
    [{ pool: 'ml', dataSize: -1 }, 'dataSize: expected bytes, a number in 0..9007199254740991, got -1'],
    [{ pool: 'ml', dataSize: Number.NaN }, 'dataSize: expected bytes, a number in 0..9007199254740991, got NaN'],
    [{ pool: 'ml', dataSize: 1e300 }, 'dataSize: expected bytes, a number in 0..9007199254740991, got 1e+300'],
    [{ pool: 'ml', dataSize: 5n }, 'dataSize: expected bytes, a number in 0..9007199254740991, got 5n'],
    [{ pool: 'ml', dataSize: '5MB' }, 'dataSize: expected bytes, a number in 0..9007199254740991, got "5MB"'],
    [{ pool: 'ml', dataSize: 1, dataType: 5 }, 'dataType: expected a string of 1..256 characters, got 5'],
    [{ pool: 'ml', dataSize: 1, format: '' }, 'format: expected a string of 1..256 characters, got a string of 0'],
    [{ pool: 'ml', dataSize: 1, compression: 'gzip' }, 'compression: expected true or false, got "gzip"'],
    [{ pool: 'ml', dataSize: 1, sessionId: {} }, 'sessionId: expected a string of 1..256 characters, got an object'],
  ])('%o says what was wrong', (given, problem) => {
    expect(describeRequest(given)).toEqual({ ok: false, problem });
  });

  it('is described briefly, however long it makes itself', () => {
    const long = new Proxy([], {
      get: (target, key) => (key === 'length' ? 'x'.repeat(1e6) : Reflect.get(target, key)),
    });
    const described = describeRequest({ pool: long, dataSize: 1 });
    expect(described.ok || described.problem.length).toBeLessThanOrEqual(400);
  });

  it('is a proxy that was revoked or throws, anywhere in it', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const throwing = new Proxy(
      {},
      {
        get() {
          throw new Error('trap');
        },
        has() {
          throw new Error('trap');
        },
        ownKeys() {
          throw new Error('trap');
        },
      },
    );
    for (const hostile of [proxy, throwing]) {
      for (const given of [
        hostile,
        { pool: hostile, dataSize: 1 },
        { pool: 'ml', data: hostile },
        { pool: 'ml', data: [hostile] },
        { pool: 'ml', data: { shape: hostile, data: hostile } },
        { pool: 'ml', data: { schema: 1, numRows: 1, batches: [hostile] } },
        { pool: 'ml', dataSize: 1, attributes: hostile },
      ]) {
        expect(describeRequest(given).ok).toBe(false);
      }
    }
  });
});

describe('names and attributes', () => {
  it('are names whatever the language uses them for', () => {
    const asked = { pool: '__proto__', dataSize: 5, dataType: 'constructor', format: 'toString', sessionId: 'valueOf' };
    const described = describeRequest(asked);
    expect(described).toMatchObject({ ok: true, request: asked });
    if (!described.ok) return;
    const decision = decide(described.request, pool(), resources(), NOW_MS, () => 1, 'id');
    expect(decision).toMatchObject({ method: 'grpc', dataType: 'constructor' });
  });

  it('keep plain values, up to 32, and nothing that is inherited', () => {
    const attributes = { user: 'u', urgent: true, rank: 2, nested: {}, call: () => 1, ['__proto__']: 'polluted' };
    const described = describeRequest({ pool: 'ml', dataSize: 1, attributes });
    expect(described.ok && { ...described.request.attributes }).toEqual({
      user: 'u',
      urgent: true,
      rank: 2,
      ['__proto__']: 'polluted',
    });
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, i]));
    const bounded = describeRequest({ pool: 'ml', dataSize: 1, attributes: many });
    expect(bounded.ok && Object.keys(bounded.request.attributes ?? {}).length).toBe(32);
    expect(bounded.ok && Object.isFrozen(bounded.request.attributes)).toBe(true);
  });
});

describe('any value at all', () => {
  const anything = fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
    withUnicodeString: true,
  } as fc.ObjectConstraints);
  const key = fc.constantFrom(
    'pool',
    'data',
    'dataSize',
    'dataType',
    'format',
    'compression',
    'sessionId',
    'attributes',
  );
  const hostile = fc.oneof(
    anything,
    fc.dictionary(key, anything).map((rest) => ({ pool: 'ml', ...rest })),
    fc.record({ pool: fc.string(), dataSize: fc.double(), dataType: fc.string(), compression: anything }),
    fc.record({ pool: fc.constant('ml'), dataSize: fc.nat(2 ** 31 - 1), dataType: fc.constantFrom('tensor', 'json') }),
  );
  const snapshot = pool({ policy: policy({ explorationRate: 1 }) });

  it('never throws, gets a lane and a propensity, and the same answer twice, bit for bit', () => {
    fc.assert(
      fc.property(hostile, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (given, draw) => {
        const described = describeRequest(given);
        if (!described.ok) {
          expect(described.problem.length).toBeLessThanOrEqual(400);
          return;
        }
        const [first, second] = [1, 2].map(() =>
          decide(described.request, snapshot, resources(), NOW_MS, () => draw, 'id'),
        );
        expect(['grpc', 'zero_copy']).toContain(first?.method);
        expect(first?.propensity).toBeGreaterThan(0);
        expect(first?.propensity).toBeLessThanOrEqual(1);
        expect(first?.confidence).toBeGreaterThanOrEqual(0);
        expect(first?.confidence).toBeLessThanOrEqual(1);
        expect(JSON.stringify(first)).toBe(JSON.stringify(second));
      }),
      { numRuns: 500 },
    );
  });
});
