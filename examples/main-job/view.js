// The live view: a block that redraws itself on a terminal, one plain line a second elsewhere.
const MIB = 2 ** 20;

/** @param {number} bytes */
export function formatBytes(bytes) {
  if (!Number.isFinite(bytes)) return 'never';
  if (bytes >= MIB) return `${(bytes / MIB).toFixed(bytes >= 100 * MIB ? 0 : 1)} MiB`;
  return bytes >= 1024 ? `${(bytes / 1024).toFixed(0)} KiB` : `${Math.round(bytes)} B`;
}

/**
 * @typedef {{ seconds: number, decisionsPerSecond: number, transfers: number, failed: number, restarts: number, stage: string,
 *   pools: { pool: string, zeroCopy: number, grpc: number, p50Ms: number, p99Ms: number, thresholds: Record<string, number> }[],
 *   events: string[] }} Frame
 */

/**
 * @param {NodeJS.WriteStream} out
 * @returns {{ show(frame: Frame): void, end(): void }}
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
    end() {
      drawn = 0;
    },
  };
}

/** @param {Frame} frame */
function line(frame) {
  const pools = frame.pools.map(
    (pool) =>
      `${pool.pool}: ${pool.zeroCopy} zero-copy, ${pool.grpc} gRPC, p50 ${pool.p50Ms.toFixed(2)} ms, p99 ${pool.p99Ms.toFixed(1)} ms, ${thresholds(pool.thresholds)}`,
  );
  const events = frame.events.length > 0 ? ` | ${frame.events.join(', ')}` : '';
  return `${frame.seconds.toFixed(0)} s  ${frame.transfers} transfers, ${frame.failed} failed, ${frame.restarts} restarts | ${pools.join(' | ')}${events}`;
}

/** @param {Frame} frame */
function block(frame) {
  const head = `pitwall  ${frame.seconds.toFixed(0)} s   ${frame.decisionsPerSecond.toFixed(0)} decisions/s   ${frame.transfers} transfers   ${frame.failed} failed   ${frame.restarts} restarts   ${frame.stage}`;
  const pools = frame.pools.flatMap((pool) => {
    const total = Math.max(1, pool.zeroCopy + pool.grpc);
    const width = 40;
    const filled = Math.round((pool.zeroCopy / total) * width);
    return [
      `  ${pool.pool.padEnd(5)} ${'█'.repeat(filled)}${'░'.repeat(width - filled)} zero-copy ${((100 * pool.zeroCopy) / total).toFixed(0)} %   p50 ${pool.p50Ms.toFixed(2)} ms   p99 ${pool.p99Ms.toFixed(1)} ms`,
      `        zero-copy from: ${thresholds(pool.thresholds)}`,
    ];
  });
  return [head, ...pools, ...frame.events.map((event) => `  ! ${event}`)];
}

/** @param {Record<string, number>} byType */
function thresholds(byType) {
  return Object.entries(byType)
    .map(([dataType, bytes]) => `${dataType} ${formatBytes(bytes)}`)
    .join(', ');
}
