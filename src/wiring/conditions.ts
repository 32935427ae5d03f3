/** What is missing while a runtime works with less than it could have, with what to do about it. */
import type { BreakerState, PoolSnapshot, TransportSnapshot } from '../decision/types.ts';

/** One thing that is not as it should be. */
export interface Condition {
  readonly part: 'tree' | 'controller' | 'store' | 'mode' | 'lane';
  /** What is wrong, and why where that is known. */
  readonly reason: string;
  readonly whatToDo: string;
  /** The pool it is about; undefined: the whole runtime. */
  readonly pool: string | undefined;
  /** Whether the host should get no traffic meanwhile. */
  readonly blocksReady: boolean;
}

/** What is looked at. */
export interface ConditionSource {
  /** Why the supervision tree does not run, where it does not. */
  readonly rootFailure: string | undefined;
  readonly controllerRuns: boolean;
  readonly store: { readonly kind: 'durable' | 'memory' | 'closed'; readonly reason: string | undefined };
  readonly mode: PoolSnapshot['mode'];
  readonly pools: Iterable<{
    readonly pool: string;
    readonly transport: TransportSnapshot | undefined;
    readonly breaker: BreakerState;
  }>;
}

export function conditionsOf(source: ConditionSource): Condition[] {
  return [...treeConditions(source), ...storeConditions(source), ...modeConditions(source), ...laneConditions(source)];
}

function treeConditions({ rootFailure, controllerRuns }: ConditionSource): Condition[] {
  if (rootFailure !== undefined) {
    return [
      {
        part: 'tree',
        pool: undefined,
        reason: `the supervision tree is down: ${rootFailure}`,
        whatToDo: 'every decision is gRPC until the host is restarted; the log tells which part failed again and again',
        blocksReady: true,
      },
    ];
  }
  if (controllerRuns) return [];
  return [
    {
      part: 'controller',
      pool: undefined,
      reason: 'the controller is down',
      whatToDo: 'its supervisor starts it again; if it stays down, the log says why',
      blocksReady: true,
    },
  ];
}

function storeConditions({ store }: ConditionSource): Condition[] {
  if (store.kind === 'closed') {
    return [
      {
        part: 'store',
        pool: undefined,
        reason: 'the store is down',
        whatToDo:
          'its supervisor opens it again; if it stays down, look at the disk and the permissions of the data directory',
        blocksReady: true,
      },
    ];
  }
  if (store.reason === undefined) return [];
  return [
    {
      part: 'store',
      pool: undefined,
      reason: `nothing is kept on disk: ${store.reason}`,
      whatToDo:
        'mend the data directory (space, permissions, a damaged file) and restart; dataDir: false says that memory is meant',
      blocksReady: false,
    },
  ];
}

function modeConditions({ mode }: ConditionSource): Condition[] {
  if (mode === 'enabled') return [];
  return [
    {
      part: 'mode',
      pool: undefined,
      reason: `decisions are ${mode}`,
      whatToDo:
        'somebody pulled the kill switch, or the configuration says enabled: false; runtime.enable() takes it back',
      blocksReady: false,
    },
  ];
}

function* laneConditions({ pools }: ConditionSource): Generator<Condition> {
  for (const { pool, transport, breaker } of pools) {
    if (transport?.reason !== undefined) {
      const whatToDo = 'gRPC carries everything meanwhile; pitwall doctor says what shared memory needs here';
      yield { part: 'lane', pool, reason: `pool ${pool}: ${transport.reason}`, whatToDo, blocksReady: false };
    }
    if (breaker !== 'closed') {
      const whatToDo =
        'gRPC carries everything meanwhile, zero-copy is tried again by itself; see the error codes of failed records';
      const reason = `pool ${pool}: the zero-copy lane's circuit is ${breaker}`;
      yield { part: 'lane', pool, reason, whatToDo, blocksReady: false };
    }
  }
}
