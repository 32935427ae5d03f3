import { constants, PerformanceObserver } from 'node:perf_hooks';

/** One garbage collection that stopped the process. */
export interface GcPause {
  readonly atMs: number;
  readonly durationMs: number;
  readonly kind: 'minor' | 'major' | 'incremental' | 'weak_callbacks';
}

/** Shorter ones explain nothing that anybody would ask about. */
const SHORTEST_MS = 0.5;
/** Between two samples; a process that collects more often than this has other trouble. */
const MAX_WAITING = 1_000;

const KINDS: Readonly<Record<number, GcPause['kind']>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weak_callbacks',
};

/** Watches V8's collections of the main thread. */
export class GcMonitor {
  readonly #observer: PerformanceObserver;
  #pauses: GcPause[] = [];

  /** @param nowMs the clock that transfers are stamped with */
  constructor(nowMs: () => number) {
    this.#observer = new PerformanceObserver((list) => {
      // perf_hooks counts from its own origin: what counts is how long ago it was.
      const offsetMs = nowMs() - performance.now();
      for (const entry of list.getEntries()) {
        const { startTime, duration } = entry;
        if (duration < SHORTEST_MS || this.#pauses.length >= MAX_WAITING) continue;
        this.#pauses.push({ atMs: startTime + offsetMs, durationMs: duration, kind: kindOf(entry) });
      }
    });
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  /** Pauses since the last call. */
  takePauses(): readonly GcPause[] {
    const taken = this.#pauses;
    this.#pauses = [];
    return taken;
  }

  stop(): void {
    this.#observer.disconnect();
  }
}

function kindOf(entry: object): GcPause['kind'] {
  const detail = 'detail' in entry ? entry.detail : undefined;
  const kind = typeof detail === 'object' && detail !== null && 'kind' in detail ? detail.kind : undefined;
  return (typeof kind === 'number' ? KINDS[kind] : undefined) ?? 'major';
}
