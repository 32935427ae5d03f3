// Mixed traffic for two pools: sizes log-uniform from 1 KB to 64 MB, as many transfers in flight as each pool is given.
const SMALLEST = 1_000;
export const LARGEST = 64_000_000;

/** What each pool mostly sends. */
const MIX = {
  ml: ['tensor', 'tensor', 'tensor', 'tensor', 'binary', 'json'],
  etl: ['dataframe', 'dataframe', 'json', 'binary', 'tensor'],
};

/**
 * Small, seedable random source (mulberry32), so that a run can be repeated.
 * @param {number} seed
 */
export function randomSource(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * Keeps `width` transfers of one pool in flight until `until()` says stop; resolves when the last has its answer.
 * @param {{ workers: any, pool: 'ml' | 'etl', payloads: import('./payloads.js').PayloadSource, random: () => number, width: number,
 *   until: () => boolean, onDone: (job: import('./payloads.js').Job) => void, onFailed: (error: unknown) => void }} options
 */
export async function sendTraffic({ workers, pool, payloads, random, width, until, onDone, onFailed }) {
  const kinds = MIX[pool];
  async function lane() {
    while (!until()) {
      const size = Math.round(SMALLEST * (LARGEST / SMALLEST) ** random());
      const job = payloads.make(kinds[Math.floor(random() * kinds.length)] ?? 'tensor', size);
      try {
        // The handlers only read, so that a transfer may be sent again when its worker dies half-way.
        await workers.execute(job.command, job.payload, { idempotent: true });
        onDone(job);
      } catch (error) {
        onFailed(error);
      }
    }
  }
  await Promise.all(Array.from({ length: width }, lane));
}
