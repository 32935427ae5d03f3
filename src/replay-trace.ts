/** `replayTrace`: what pitwall would have done with recorded transfers of which both lanes were measured. */
import type { ConfiguredRolloutStage, Goal } from './config/types.ts';
import { InvalidArgumentError } from './errors.ts';
import { priorFromCard } from './learning/card-prior.ts';
import { checkedCard, type MachineCard } from './learning/machine-card.ts';
import { type ReplayProgress, type ReplayResult, replay } from './learning/replay.ts';
import type { TraceProblem, TraceRow } from './learning/trace.ts';
import { readTraceFile } from './metrics/exchange/trace-file.ts';
import { startReplayHost } from './wiring/replay-host.ts';

export interface ReplayTraceOptions {
  /** Decides every draw. Default 1. */
  readonly seed?: number | undefined;
  /** Default `balanced`. */
  readonly goal?: Goal | undefined;
  /** Smaller payloads go by gRPC without analysis, MiB. Default: as in the configuration, 1. */
  readonly minimumThresholdMb?: number | undefined;
  /** How far a trained model may steer. Default: as in the configuration. */
  readonly stage?: ConfiguredRolloutStage | undefined;
  /** Share of decisions that try the other lane. Default 0.05. */
  readonly explorationRate?: number | undefined;
  /** Successes of a pool that a first training needs. Default 1 000. */
  readonly minimumTrainingSamples?: number | undefined;
  /** Seconds of the trace between two trainings. Default 3 600. */
  readonly modelUpdateIntervalSeconds?: number | undefined;
  /** Of the trace's machine (`measureMachine`): what its pools start from. Default: the constants. */
  readonly card?: MachineCard | undefined;
  /** Called after each row with the regret so far. */
  readonly onRow?: ((progress: ReplayProgress) => void) | undefined;
}

export interface ReplayReport extends ReplayResult {
  /** Wall-clock time that the replay took. */
  readonly seconds: number;
  /** Lines that were passed over. */
  readonly skipped: readonly TraceProblem[];
}

/** How often it is said that the process is still needed; any long time will do. */
const ALIVE_MS = 60_000;

/**
 * Replays a paired trace through the very parts that live traffic goes through: decisions, records, cost model, thresholds, exploration, and trainings
 * in a worker thread. Only the chosen lane's latency is revealed, when the transfer would have ended. Equal seeds give equal results, except
 * for `decisionUs` and `seconds`, which are measured.
 *
 * @param source a file of JSON lines (`.jsonl` or `.jsonl.gz`), or rows
 * @throws InvalidArgumentError for a file that cannot be read, and a trace without usable rows; ConfigError for options out of range;
 *   PitwallError `PITWALL_MACHINE_CARD_INVALID`
 * @example
 * const { secondHalf } = await replayTrace('trace.jsonl.gz', { goal: 'maximize_throughput', seed: 1 });
 * console.log(secondHalf.regret.pitwall / secondHalf.regret.bestStatic);
 */
export async function replayTrace(
  source: string | readonly TraceRow[],
  options: ReplayTraceOptions = {},
): Promise<ReplayReport> {
  const startedMs = performance.now();
  const { rows, problems } = typeof source === 'string' ? await readTraceFile(source) : { rows: source, problems: [] };
  if (rows.length === 0) {
    throw new InvalidArgumentError('source', source, 'a trace with at least one usable row');
  }
  const { seed = 1, stage, onRow, card, ...learning } = options;
  if (!Number.isSafeInteger(seed)) throw new InvalidArgumentError('seed', seed, 'an integer');
  const pools = [...new Set(rows.map((row) => row.pool))];
  // Nothing of a runtime keeps a process alive, trainings neither: a command that awaits the result would end before it.
  const alive = setInterval(() => undefined, ALIVE_MS);
  try {
    const host = await startReplayHost({
      ...learning,
      rolloutStage: stage,
      pools,
      prior: card && priorFromCard(checkedCard(card)),
    });
    try {
      const result = await replay(rows, host, {
        seed,
        nowUs: () => performance.now() * 1000,
        ...(onRow && { onRow }),
      });
      return { ...result, seconds: (performance.now() - startedMs) / 1000, skipped: problems };
    } finally {
      await host.close();
    }
  } finally {
    clearInterval(alive);
  }
}
