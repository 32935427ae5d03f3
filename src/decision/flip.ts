/**
 * What would flip a decision (C6): the nearest size, warm memory, load, memory in use or number of transfers in flight at which the other lane
 * would be taken, all else equal. Each is found by deciding again, and so holds by construction.
 */
import { decide } from './decide.ts';
import { formatLane, formatSize } from './format-table.ts';
import { firstOf } from './table.ts';
import type { Method, PoolSnapshot, ResourceSnapshot, TransferRequest } from './types.ts';
import { NO_DRAW, withoutDraws } from './what-if.ts';

export interface Flip {
  readonly factor: 'data_size' | 'warm_bytes' | 'system_load' | 'memory_load' | 'in_flight';
  /** `from`: `at` and above; `below`: under `at`. */
  readonly direction: 'from' | 'below';
  /** Bytes for sizes, 0..1 for loads, a count in flight. */
  readonly at: number;
  /** The lane it would be. */
  readonly method: Method;
}

/** What the decision is made from; `nowMs` as it was then. */
export interface FlipBasis {
  readonly request: TransferRequest;
  readonly pool: PoolSnapshot;
  readonly resources: ResourceSnapshot | undefined;
  readonly nowMs: number;
}

/** Empty where no single factor changes anything (a disabled pool, say). Some hundred decisions: not for the hot path. */
export function flips(basis: FlipBasis): readonly Flip[] {
  const settled = { ...basis, pool: withoutDraws(basis.pool) };
  const { request, pool, resources } = settled;
  const found: (Flip | undefined)[] = [];
  for (const direction of ['below', 'from'] as const) {
    found.push(
      search(direction, request.dataSize, SIZES, (dataSize) =>
        laneOf({ ...settled, request: { ...request, dataSize } }),
      ),
    );
    const { transport } = pool;
    if (transport !== undefined) {
      const sizes = [request.dataSize - 1, request.dataSize];
      found.push(
        search(direction, transport.warmBytes, { ...SIZES, factor: 'warm_bytes', values: sizes }, (warmBytes) =>
          laneOf({ ...settled, pool: { ...pool, transport: { ...transport, warmBytes } } }),
        ),
      );
    }
    found.push(
      search(direction, pool.inFlight + 1, IN_FLIGHT, (count) =>
        laneOf({ ...settled, pool: { ...pool, inFlight: count - 1 } }),
      ),
    );
    if (resources === undefined) continue;
    const { systemLoad, memoryLoad } = resources;
    found.push(
      search(direction, permille(systemLoad), { ...LOADS, factor: 'system_load' }, (value) =>
        laneOf({ ...settled, resources: { ...resources, systemLoad: value / 1000 } }),
      ),
      search(direction, permille(memoryLoad), { ...LOADS, factor: 'memory_load' }, (value) =>
        laneOf({ ...settled, resources: { ...resources, memoryLoad: value / 1000 } }),
      ),
    );
  }
  return found.filter((flip) => flip !== undefined);
}

function laneOf({ request, pool, resources, nowMs }: FlipBasis): Method {
  return decide(request, pool, resources, nowMs, NO_DRAW, '').method;
}

function permille(load: number | undefined): number | undefined {
  return load === undefined ? undefined : Math.round(load * 1000);
}

/** Integers that are looked at, ascending; between two of them the change is found by bisection. */
interface Axis {
  readonly factor: Flip['factor'];
  readonly values: readonly number[];
  /** Steps in one of the flip's unit. */
  readonly stepsPerUnit: number;
}

const SIZES: Axis = {
  factor: 'data_size',
  values: [0, ...Array.from({ length: 41 * 4 + 1 }, (_, step) => Math.round(2 ** (step / 4)))],
  stepsPerUnit: 1,
};
const IN_FLIGHT: Axis = { factor: 'in_flight', values: [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64], stepsPerUnit: 1 };
const LOADS: Axis = {
  factor: 'system_load',
  values: Array.from({ length: 51 }, (_, step) => step * 20),
  stepsPerUnit: 1000,
};

/** The change of lane that is nearest to `present` on one side of it. */
function search(
  direction: Flip['direction'],
  present: number | undefined,
  { factor, values, stepsPerUnit }: Axis,
  laneAt: (value: number) => Method,
): Flip | undefined {
  if (present === undefined) return undefined;
  const now = laneAt(present);
  const beyond =
    direction === 'from'
      ? values.filter((value) => value > present)
      : values.filter((value) => value < present).reverse();
  let near = present;
  for (const far of beyond) {
    if (laneAt(far) !== now) {
      const method: Method = now === 'grpc' ? 'zero_copy' : 'grpc';
      const at =
        direction === 'from'
          ? firstOf((value) => laneAt(value) !== now, near, far)
          : firstOf((value) => laneAt(value) === now, far, near);
      return { factor, direction, at: at / stepsPerUnit, method };
    }
    near = far;
  }
  return undefined;
}

/** E.g. `gRPC below 91 KiB, or with less than 3 MiB warm`; `nothing alone would change it` for none. */
export function formatFlips(found: readonly Flip[]): string {
  const [first] = found;
  if (first === undefined) return 'nothing alone would change it';
  return `${formatLane(first.method)} ${found.map(formatFlip).join(', or ')}`;
}

function formatFlip({ factor, direction, at }: Flip): string {
  const under = direction === 'below';
  switch (factor) {
    case 'data_size':
      return `${under ? 'below' : 'from'} ${formatSize(at)}`;
    case 'warm_bytes':
      return `with ${under ? 'less than' : 'at least'} ${formatSize(at)} warm`;
    case 'system_load':
      return `with ${under ? 'less than' : 'at least'} ${formatPercent(at)} cpu load`;
    case 'memory_load':
      return `with ${under ? 'less than' : 'at least'} ${formatPercent(at)} of memory in use`;
    case 'in_flight':
      return `with ${under ? 'fewer than' : 'at least'} ${at} in flight`;
    default:
      return factor satisfies never;
  }
}

function formatPercent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}
