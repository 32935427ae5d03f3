// @ts-check
/** What goes on now: figures, lanes, pools, the latest transfers. */
import { Chart } from './charts.js';
import { byId, number, setText, showOptions, showRows } from './dom.js';
import { explain } from './explain.js';
import { clock, count, lane, percent, size, time } from './format.js';

/**
 * @typedef {import('../frames.ts').PoolLive} PoolLive
 * @typedef {import('../frames.ts').PoolSummary} PoolSummary
 * @typedef {import('../frames.ts').HostStatus} HostStatus
 * @typedef {{ atMs: number, status: HostStatus, pools: PoolSummary[], morePools: number, live?: PoolLive }} Live
 */

const LANES = /** @type {const} */ (['grpc', 'zero_copy']);
const COLOURS = { grpc: '--grpc', zero_copy: '--zero-copy' };

export class LiveView {
  #rates = new Chart(byId('rate-chart'), { x: 'time', y: 'linear', formatX: (s) => clock(s * 1000), formatY: count });
  #latencies = new Chart(byId('latency-chart'), {
    x: 'time',
    y: 'log',
    formatX: (s) => clock(s * 1000),
    formatY: time,
  });

  redraw() {
    this.#rates.redraw();
    this.#latencies.redraw();
  }

  /**
   * @param {Live} frame
   * @param {string | undefined} pool the one that is shown
   */
  show({ atMs, status, pools, morePools, live }, pool) {
    showStatus(status);
    showOptions(
      'pool',
      pools.map((each) => ({ value: each.pool, text: each.pool })),
      pool,
    );
    showRows('pools', pools.map(poolRow));
    setText('more-pools', morePools > 0 ? `and ${morePools} more` : '');
    const summary = pools.find((each) => each.pool === pool);
    setText('tile-rate', count(summary?.ratePerS));
    setText('tile-share', percent(summary?.zeroCopyShare));
    setText('tile-flight', count(summary?.inFlight));
    setText('tile-failed', count(summary?.failures));
    if (live) this.#showLive(live, atMs);
  }

  /**
   * @param {PoolLive} live
   * @param {number} atMs
   */
  #showLive(live, atMs) {
    const { grpc, zero_copy: zeroCopy } = live.lanes;
    const busier = zeroCopy.transfers > grpc.transfers ? zeroCopy : grpc;
    const name = lane(busier === zeroCopy ? 'zero_copy' : 'grpc');
    for (const [tile, us] of /** @type {const} */ ([
      ['tile-median', busier.latencyUs?.p50],
      ['tile-p99', busier.latencyUs?.p99],
    ])) {
      setText(tile, time(us));
      setText(`${tile}-lane`, us === undefined ? '' : `, ${name}`);
    }
    const newest =
      live.newestMs === undefined || live.newestMs === null
        ? 'none in the last minute'
        : `the newest ended at ${clock(live.newestMs)}`;
    setText(
      'behind',
      `${clock(atMs)}, transfers of ${live.pool}: ${newest}${live.sampled ? '; latencies are those of a part of them' : ''}`,
    );
    showRows(
      'lanes',
      LANES.map((method) => laneRow(method, live)),
    );
    this.#showCharts(live);
    // Whoever is about to press a button must not have it move away.
    if (!byId('recent').contains(document.activeElement)) showRows('recent', live.recent.map(recentRow));
  }

  /** @param {PoolLive} live */
  #showCharts({ seconds, series, lanes }) {
    const rates = LANES.map((method) => ({ label: lane(method), colour: COLOURS[method], format: count }));
    this.#rates.show(
      rates,
      [seconds, series.grpc.count, series.zero_copy.count],
      `Over the last minute ${count(lanes.grpc.transfers)} transfers by gRPC and ${count(lanes.zero_copy.transfers)} by zero-copy.`,
    );
    const latencies = LANES.flatMap((method) => [
      { label: `${lane(method)}, median`, colour: COLOURS[method], format: time },
      { label: `${lane(method)}, 99 %`, colour: COLOURS[method], dash: [4, 4], format: time },
    ]);
    this.#latencies.show(
      latencies,
      [seconds, ...LANES.flatMap((method) => [series[method].p50Us, series[method].p99Us])],
      `Medians over the last minute: gRPC ${time(lanes.grpc.latencyUs?.p50)}, zero-copy ${time(lanes.zero_copy.latencyUs?.p50)}.`,
    );
  }
}

/** @param {HostStatus} status */
function showStatus({ state, reasons }) {
  setText('status', state);
  byId('status').className = `badge ${state === 'running' || state === 'recorded' ? 'good' : 'warn'}`;
  setText('reasons', reasons.join('; '));
}

/** @param {PoolSummary} summary */
function poolRow({
  pool,
  ratePerS,
  zeroCopyShare,
  decisions,
  failures,
  fallbacks,
  goal,
  policyVersion,
  mode,
  breaker,
}) {
  const policy = goal === undefined ? '–' : `${goal}, version ${policyVersion}`;
  const figures = [count(ratePerS), percent(zeroCopyShare), count(decisions), count(failures), count(fallbacks)].map(
    number,
  );
  return { key: pool, head: pool, cells: [...figures, policy, mode ?? '–', breaker ?? '–'] };
}

/**
 * @param {'grpc' | 'zero_copy'} method
 * @param {PoolLive} live
 */
function laneRow(method, { lanes, windowS }) {
  const { transfers, failed, bytes, latencyUs } = lanes[method];
  const quantiles = [latencyUs?.p50, latencyUs?.p90, latencyUs?.p95, latencyUs?.p99].map((us) => number(time(us)));
  return {
    key: method,
    head: lane(method),
    cells: [number(count(transfers)), number(count(failed)), number(count(bytes / windowS / 1e6)), ...quantiles],
  };
}

/** @param {PoolLive['recent'][number]} transfer */
function recentRow({
  transferId,
  atMs,
  method,
  reason,
  outcome,
  dataSize,
  dataType,
  format,
  latencyUs,
  predictedLatencyUs,
  errorCode,
}) {
  return {
    key: transferId,
    head: clock(atMs),
    cells: [
      ...[lane(method), reason, `${dataType}, ${format}`],
      ...[size(dataSize), time(latencyUs), time(predictedLatencyUs)].map(number),
      errorCode === undefined ? outcome : `${outcome}: ${errorCode}`,
    ],
    button: { text: 'Explain', label: `Explain transfer ${transferId}`, onClick: () => void explain(transferId) },
  };
}
