/** What a pool has learned, in words: the lanes that its decisions take over a grid of sizes, kinds, warmth, load and concurrency, distilled. */
import { type Distilled, distill, type LabelledFeatures } from '../learning/distill.ts';
import { decide } from './decide.ts';
import { NOTHING_KNOWN } from './resources.ts';
import type { PayloadKind } from './table.ts';
import type { PoolSnapshot, ResourceSnapshot } from './types.ts';
import { NO_DRAW, supposedRequest, withoutDraws, withWarmth } from './what-if.ts';

const LOG2_SIZES = { from: 10, to: 30, step: 0.5 };
const LOADS = [0, 0.5, 0.75];
const IN_FLIGHT = [1, 8];

/** Some thousand decisions: not for the hot path. */
export function lessons(pool: PoolSnapshot, kinds: readonly PayloadKind[]): Distilled {
  const settled = withoutDraws(pool);
  const samples: LabelledFeatures[] = [];
  for (const warmth of ['warm', 'cold'] as const) {
    const there = withWarmth(settled, warmth, undefined);
    for (const systemLoad of LOADS) {
      const resources: ResourceSnapshot = { ...NOTHING_KNOWN, atMs: 0, systemLoad };
      for (const inFlight of IN_FLIGHT) {
        const then = { ...there, inFlight: inFlight - 1 };
        for (const kind of kinds) {
          for (let log = LOG2_SIZES.from; log <= LOG2_SIZES.to; log += LOG2_SIZES.step) {
            const dataSize = Math.round(2 ** log);
            const { dataType, format, compression = false } = kind;
            const payload = { dataSize, dataType, format, compression };
            const { method } = decide(supposedRequest(pool.pool, payload), then, resources, 0, NO_DRAW, '');
            const machine = { systemLoad, availableMemory: undefined, inFlight, hourOfDay: 0 };
            samples.push({ lane: method, features: { ...payload, ...machine, warm: warmth === 'warm' } });
          }
        }
      }
    }
  }
  return distill(samples);
}

/** E.g. `zero-copy: tensor, warm memory, from 91 KiB (24 % of the cases looked at, 98 % of them rightly)`. */
export function formatLessons({ lessons: all, fidelity }: Distilled): string[] {
  const lines = all.map(({ conditions, lane, share, fidelity: right }) => {
    const when = conditions.length === 0 ? 'always' : conditions.join(', ');
    const name = lane === 'grpc' ? 'gRPC' : 'zero-copy';
    return `${name}: ${when} (${percent(share)} of the cases looked at, right in ${percent(right)})`;
  });
  return [...lines, `these sentences give the lane of ${percent(fidelity)} of the decisions`];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0.99 && share < 1 ? 1 : 0)} %`;
}
