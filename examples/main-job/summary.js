// What a run came to, read back from the store, and what it would have cost otherwise.
const MIB = 2 ** 20;

/**
 * @param {{ runtime: any, pools: string[], fromUs: number, startedMs: number, jobs: { pool: string, dataType: string, size: number }[], failed: number,
 *   restarts: number }} run
 */
export async function summarize({ runtime, pools, fromUs, startedMs, jobs, failed, restarts }) {
  const stored = await Promise.all(pools.map((pool) => runtime.analyzer.getStatistics({ pool, fromUs })));
  const sum = (/** @type {(statistics: any) => number} */ read) =>
    stored.reduce((total, each) => total + read(each), 0);
  const decisionUs = weighted(stored.map((each) => each.quantities.decisionTimeUs));
  return {
    transfers: jobs.length,
    failed,
    grpc: sum((each) => each.grpc),
    zeroCopy: sum((each) => each.zeroCopy),
    fallbacks: sum((each) => each.fallback),
    explored: sum((each) => each.explored),
    restarts,
    bytes: jobs.reduce((total, job) => total + job.size, 0),
    seconds: round((performance.now() - startedMs) / 1000),
    decisionUs,
    thresholds: Object.fromEntries(pools.map((pool) => [pool, thresholdsOf(runtime, pool)])),
    // Each transfer ends in one record that is no failure; a leg that failed and was made good has one of its own.
    stored: sum((each) => each.success + each.ignored),
  };
}

/** @param {any} runtime @param {string} pool */
export function thresholdsOf(runtime, pool) {
  const all = [...(runtime.thresholds.all(pool) ?? [])];
  return Object.fromEntries(all.map(([dataType, threshold]) => [dataType, threshold.final]));
}

/**
 * What the same transfers would have taken by a rule, in seconds: estimated from what the pools' cost models know now, on an otherwise idle
 * machine with warm memory. An estimate, not a measurement.
 * @param {any} runtime
 * @param {{ pool: string, dataType: string, size: number }[]} jobs
 */
export function estimateAlternatives(runtime, jobs) {
  const total = { chosen: 0, grpcOnly: 0, tenMegabytes: 0 };
  for (const { pool, dataType, size } of jobs) {
    const snapshot = runtime.snapshot(pool);
    const model = snapshot?.costModel;
    if (!model) continue;
    const format = { tensor: 'numpy', dataframe: 'arrow', json: 'json' }[dataType] ?? 'raw';
    const features = { dataSize: size, dataType, format, compression: false, warm: true, inFlight: 2, hourOfDay: 0 };
    const grpc = model.estimate('grpc', features).meanLatencyUs;
    const zeroCopy = model.estimate('zero_copy', features).meanLatencyUs;
    const threshold = runtime.thresholds.get(pool, dataType)?.final ?? 10 * MIB;
    total.grpcOnly += grpc / 1e6;
    total.tenMegabytes += (size >= 10 * MIB ? zeroCopy : grpc) / 1e6;
    total.chosen += (size >= threshold ? zeroCopy : grpc) / 1e6;
  }
  return total;
}

/** Percentiles of several pools, weighted by how many decisions each made: close enough for a summary. @param {any[]} quantities */
function weighted(quantities) {
  const known = quantities.filter((each) => each && each.count > 0);
  const count = known.reduce((total, each) => total + each.count, 0);
  const mean = (/** @type {string} */ key) =>
    round(known.reduce((total, each) => total + each[key] * each.count, 0) / Math.max(1, count));
  return { p50: mean('p50'), p99: mean('p99') };
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100;
}
