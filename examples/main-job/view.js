// The live view: a block that redraws itself on a terminal, one plain line a second elsewhere.
const MIB = 2 ** 20;

/** @param {number} bytes */
export function formatBytes(bytes) {
  if (!Number.isFinite(bytes)) return 'never';
  if (bytes >= MIB) return `${(bytes / MIB).toFixed(bytes >= 100 * MIB ? 0 : 1)} MiB`;
  return bytes >= 1024 ? `${(bytes / 1024).toFixed(0)} KiB` : `${Math.round(bytes)} B`;
}

/**
 * @typedef {{ pool: string, zeroCopy: number, grpc: number, meanMs: Record<string, number>, thresholds: Record<string, number> }} PoolFrame
 * @typedef {{ seconds: number, decisionsPerSecond: number, transfers: number, failed: number, restarts: number, status: string, pools: PoolFrame[],
 *   events: string[] }} Frame
 */

/**
 * @param {NodeJS.WriteStream} out
 * @returns {{ show(frame: Frame): void }}
 */
export function createView(out) {
  let drawn = 0;
  return {
    show(frame) {
      const lines = out.isTTY ? block(frame) : [line(frame)];
      const home = out.isTTY && drawn > 0 ? `\x1b[${drawn}A\x1b[J` : '';
      drawn = lines.length;
      out.write(`${home}${lines.join('\n')}\n`);
    },
  };
}

/** @param {Frame} frame */
function line(frame) {
  const pools = frame.pools.map(
    (pool) =>
      `${pool.pool}: ${pool.zeroCopy} zero-copy, ${pool.grpc} gRPC, mean ${latency(pool)}, ${thresholds(pool.thresholds)}`,
  );
  const events = frame.events.length > 0 ? ` | ${frame.events.join(', ')}` : '';
  return `${frame.seconds.toFixed(0)} s  ${frame.transfers} transfers, ${frame.failed} failed, ${frame.restarts} restarts, ${frame.status} | ${pools.join(' | ')}${events}`;
}

const WIDTH = 40;

/** @param {Frame} frame */
function block(frame) {
  const head = `pitwall  ${frame.seconds.toFixed(0)} s   ${frame.decisionsPerSecond} decisions/s   ${frame.transfers} transfers   ${frame.failed} failed   ${frame.restarts} restarts   ${frame.status}`;
  const pools = frame.pools.flatMap((pool) => {
    const share = pool.zeroCopy / Math.max(1, pool.zeroCopy + pool.grpc);
    const filled = Math.round(share * WIDTH);
    return [
      `  ${pool.pool.padEnd(4)} ${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} ${(100 * share).toFixed(0)} % zero-copy   mean ${latency(pool)}`,
      `       zero-copy from ${thresholds(pool.thresholds)}`,
    ];
  });
  return [head, ...pools, ...frame.events.map((event) => `  ! ${event}`)];
}

/** @param {PoolFrame} pool */
function latency(pool) {
  const lanes = Object.entries(pool.meanMs).map(
    ([lane, ms]) => `${lane === 'grpc' ? 'gRPC' : 'zero-copy'} ${ms.toFixed(2)} ms`,
  );
  return lanes.length > 0 ? lanes.join(', ') : 'unknown';
}

/** @param {Record<string, number>} byType */
function thresholds(byType) {
  return Object.entries(byType)
    .map(([dataType, bytes]) => `${dataType} ${formatBytes(bytes)}`)
    .join(', ');
}
