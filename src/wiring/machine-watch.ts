/** Follows the machine's samples for the analyzer: history, rises of load, warnings before limits. */
import { statfsSync } from 'node:fs';
import { CapacityWatch } from '../actors/capacity-watch.ts';
import { LoadWatch } from '../actors/load-watch.ts';
import type { MachineHistory } from '../actors/machine-history.ts';
import type { GcPause } from '../actors/resource-gc.ts';
import type { Timeline } from '../actors/timeline.ts';
import type { RuntimeConfig } from '../config/types.ts';
import type { ResourceSnapshot } from '../decision/types.ts';
import { percent } from '../metrics/analysis/words.ts';
import type { TransferRecord } from '../metrics/record.ts';
import type { SnapshotBoard } from '../snapshots.ts';
import type { Notices } from './notices.ts';

export interface MachineWatchOptions {
  readonly config: RuntimeConfig;
  readonly board: SnapshotBoard;
  readonly notices: Notices;
  readonly timeline: Timeline;
  readonly machine: MachineHistory;
}

/** A payload counts as one that a pool sends for about this long. */
const LARGEST_FOR_MS = 120_000;

export class MachineWatch {
  readonly #options: MachineWatchOptions;
  readonly #load = new LoadWatch();
  readonly #capacity = new CapacityWatch();
  readonly #largest = new Map<string, { readonly bytes: number; readonly atMs: number }>();

  constructor(options: MachineWatchOptions) {
    this.#options = options;
  }

  sampled(sample: ResourceSnapshot, pauses: readonly GcPause[]): void {
    const { machine, timeline, notices } = this.#options;
    machine.add(sample, pauses);
    const rise = this.#load.observe(sample.systemLoad);
    if (rise) timeline.add('load_rise', `from ${percent(rise.from)} to ${percent(rise.to)} of all cores`);
    if (!this.#capacity.due(sample.atMs)) return;
    const { raised, resolved } = this.#capacity.observe(this.#input(sample));
    for (const alert of raised) notices.raise(alert);
    for (const key of resolved) notices.resolve(key);
  }

  recorded(records: readonly TransferRecord[]): void {
    for (const { pool, dataSize, timestampUs } of records) {
      const known = this.#largest.get(pool);
      const atMs = timestampUs / 1000;
      if (known && known.bytes > dataSize && atMs - known.atMs < LARGEST_FOR_MS) continue;
      // Bounded: only pools that exist have records.
      this.#largest.set(pool, { bytes: dataSize, atMs });
    }
  }

  #input(sample: ResourceSnapshot): Parameters<CapacityWatch['observe']>[0] {
    const { board, config } = this.#options;
    const pools = [...board.slots()].flatMap(({ pool, transport }) =>
      transport?.zeroCopyReady ? [{ pool, room: transport.roomBytes, largest: this.#largest.get(pool)?.bytes }] : [],
    );
    return {
      atMs: sample.atMs,
      memoryLoad: sample.memoryLoad,
      availableMemory: sample.availableMemory,
      memoryPressureThreshold: config.memoryPressureThreshold,
      pools,
      diskFree: freeSpace(config.dataDir),
    };
  }
}

function freeSpace(dataDir: string | false): number | undefined {
  if (dataDir === false) return undefined;
  try {
    const { bavail, bsize } = statfsSync(dataDir);
    return bavail * bsize;
  } catch {
    return undefined; // the store says what is wrong with it
  }
}
