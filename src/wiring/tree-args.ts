/** What each actor is given: the functions through which it reaches the others. */

import type { AdviceDeskArgs } from '../actors/advice-desk.ts';
import type { AdviserArgs } from '../actors/adviser.ts';
import { AccuracyWatch } from '../actors/adviser-accuracy.ts';
import type { AlertTable } from '../actors/adviser-alerts.ts';
import type { AnalyzerArgs } from '../actors/analyzer.ts';
import type { ControllerArgs } from '../actors/controller.ts';
import type { Destinations } from '../actors/destinations.ts';
import type { LearnerArgs, ModelStore } from '../actors/learner-messages.ts';
import type { MachineHistory } from '../actors/machine-history.ts';
import { machineName, platformName } from '../actors/machine-name.ts';
import type { ReadOutcome, WriteOutcome } from '../actors/metrics-store.ts';
import { MODE_KEY } from '../actors/mode-switch.ts';
import { ADVISER_STATE, OCCURRENCES, POOL_STATE } from '../actors/names.ts';
import type { ProberArgs } from '../actors/prober.ts';
import type { RecorderArgs } from '../actors/recorder.ts';
import type { ResourceMonitorArgs } from '../actors/resource-monitor.ts';
import { createResourceSampler } from '../actors/resource-sampler.ts';
import type { ThresholdManagerArgs } from '../actors/threshold-manager.ts';
import type { Timeline } from '../actors/timeline.ts';
import type { RuntimeConfig } from '../config/types.ts';
import { PitwallError } from '../errors.ts';
import type { DriftAlarm } from '../learning/drift.ts';
import { AdviceBook } from '../metrics/analysis/advice/advice-book.ts';
import { byPool } from '../metrics/by-pool.ts';
import type { TransferRecord } from '../metrics/record.ts';
import { call, cast, describeReason, type System } from '../otp/index.ts';
import type { TreeArgs } from '../supervisors/tree.ts';
import type { ProbeOffer } from '../transports/probe-offer.ts';
import type { Brain } from './brain.ts';
import { ensureManager } from './ensure-manager.ts';
import { experimenterArgs } from './experimenter-args.ts';
import { MachinePrior } from './machine-prior.ts';
import type { MachineWatch } from './machine-watch.ts';
import type { Notices } from './notices.ts';
import type { StoreOwner } from './store-owner.ts';

export interface TreeWiring {
  readonly config: RuntimeConfig;
  readonly system: System;
  readonly brain: Brain;
  readonly destinations: Destinations;
  readonly notices: Notices;
  readonly timeline: Timeline;
  readonly machine: MachineHistory;
  readonly machineWatch: MachineWatch;
  readonly storeOwner: StoreOwner;
  readonly alertTable: AlertTable;
  /** Who offers to carry probes, by pool. */
  readonly probes: ReadonlyMap<string, ProbeOffer>;
  readonly nowMs: () => number;
  /** Records of finished transfers, for telemetry. */
  readonly onRecords: (records: readonly TransferRecord[]) => void;
}

export function treeArgs(wiring: TreeWiring): TreeArgs {
  const accuracy = new AccuracyWatch();
  const machinePrior = new MachinePrior(wiring.config.logger);
  return {
    metricsStore: {
      open: async () => {
        const store = await wiring.storeOwner.open();
        machinePrior.read(store);
        return store;
      },
      onWriteFailed: (error) => storeFailed(wiring, error),
    },
    recorder: recorderArgs(wiring, accuracy),
    resourceMonitor: resourceMonitorArgs(wiring),
    thresholdManager: (pool) => thresholdManagerArgs(wiring, pool, machinePrior),
    analyzer: analyzerArgs(wiring),
    adviser: adviserArgs(wiring, machinePrior),
    experimenter: experimenterArgs({ ...wiring, board: wiring.brain.board, logger: wiring.config.logger }),
    trainingPool: { nowMs: wiring.nowMs },
    learner: learnerArgs(wiring, accuracy),
    prober: proberArgs(wiring),
    controller: controllerArgs(wiring),
  };
}

/** Writes may take long on a slow disk; the queue is bounded, so waiting is safe. */
const WRITE_TIMEOUT_MS = 60_000;

function recorderArgs(wiring: TreeWiring, accuracy: AccuracyWatch): RecorderArgs {
  const { destinations, brain } = wiring;
  return {
    queue: brain.queue,
    teach: (records) => {
      teach(wiring, records);
      const { raised, resolved } = accuracy.observe(records);
      for (const alert of raised) wiring.notices.raise(alert);
      for (const key of resolved) wiring.notices.resolve(key);
    },
    store: async (records) => {
      accept(await call(destinations.metricsStore, { type: 'append', records }, { timeoutMs: WRITE_TIMEOUT_MS }));
    },
    flush: async () => {
      accept(await call(destinations.metricsStore, { type: 'flush' }, { timeoutMs: WRITE_TIMEOUT_MS }));
    },
    onStoreFailure: (error) => storeFailed(wiring, error),
    onStoreRecovered: () => wiring.notices.resolve(STORE_ALERT),
  };
}

const STORE_ALERT = 'store_degraded';

function storeFailed({ notices, brain }: TreeWiring, error: unknown): void {
  notices.raise({
    key: STORE_ALERT,
    kind: 'store_degraded',
    severity: 'warning',
    pool: undefined,
    message: `records cannot be stored (${describeReason(error)}); ${brain.queue.pendingStore} wait and ${brain.queue.dropped} were dropped. Check the data directory's disk.`,
    comparison: { error: describeReason(error), waiting: brain.queue.pendingStore, dropped: brain.queue.dropped },
    likelyCause: describeReason(error),
    lookAt: 'runtime.status; free space and permissions of the data directory; metricsRetentionMb',
  });
}

function accept(outcome: WriteOutcome): void {
  if (outcome.type === 'failed') throw asError(outcome.error);
}

function resultOf<T>(outcome: ReadOutcome<T>): T {
  if (outcome.type === 'failed') throw asError(outcome.error);
  return outcome.value;
}

function asError(error: unknown): Error {
  if (error instanceof Error) return error;
  return new PitwallError('PITWALL_STORE_FAILED', describeReason(error), { cause: error });
}

/** Everybody who learns from transfers gets each batch once. */
function teach(
  { brain, destinations, machineWatch, onRecords, probes }: TreeWiring,
  records: readonly TransferRecord[],
): void {
  for (const [pool, own] of byPool(records))
    cast(destinations.thresholdManager(pool), { type: 'observed', records: own });
  cast(destinations.analyzer, { type: 'observed', records });
  if (records.some(({ experiment }) => experiment !== undefined)) {
    cast(destinations.experimenter, { type: 'observed', records });
  }
  cast(destinations.learner, { type: 'observed', records });
  if (probes.size > 0) cast(destinations.prober, { type: 'observed', records });
  machineWatch.recorded(records);
  brain.ruleMetrics.recorded(records);
  onRecords(records);
}

function resourceMonitorArgs(wiring: TreeWiring): ResourceMonitorArgs {
  const { brain, config, destinations, machineWatch, nowMs } = wiring;
  return {
    board: brain.board,
    createSampler: () => createResourceSampler({ shmDir: config.sharedMemoryDir, clock: { now: nowMs } }),
    onSample: (sample, pauses) => {
      machineWatch.sampled(sample, pauses);
      for (const slot of brain.board.slots()) {
        cast(destinations.thresholdManager(slot.pool), { type: 'resources_sampled' });
      }
    },
  };
}

function thresholdManagerArgs(wiring: TreeWiring, pool: string, machinePrior: MachinePrior): ThresholdManagerArgs {
  const { brain, destinations, notices, nowMs } = wiring;
  return {
    slot: brain.admission.admit(pool).slot,
    board: brain.board,
    nowMs,
    // Asked for when a manager starts, or starts anew: by then the store was opened, or has failed.
    get costModel() {
      return machinePrior.costModel;
    },
    platform: platformName(),
    restore: async () =>
      resultOf(await call(destinations.metricsStore, { type: 'get', kind: POOL_STATE.learned, key: pool })),
    persist: (value) =>
      void cast(destinations.metricsStore, { type: 'put', kind: POOL_STATE.learned, key: pool, value }),
    onChanges: (changes) => notices.thresholdsChanged(pool, changes),
    onRefusedState: (reason) =>
      notices.raise({
        key: `state_refused:${pool}`,
        kind: 'state_refused',
        severity: 'warning',
        pool,
        message: `pool ${pool}: what was stored of its learning was refused (${describeReason(reason)}); it starts from the defaults.`,
        comparison: { reason: describeReason(reason) },
        likelyCause: 'the file was damaged, or another version of pitwall wrote it, or another platform',
        lookAt: 'docs/errors.md, PITWALL_INVALID_STATE and PITWALL_STATE_FOREIGN; it is learned anew from here on',
      }),
  };
}

function learnerArgs(wiring: TreeWiring, accuracy: AccuracyWatch): LearnerArgs {
  const { brain, config, destinations, notices, nowMs, storeOwner } = wiring;
  return {
    board: brain.board,
    nowMs,
    storePath: () => storeOwner.environmentPath,
    train: (task) => call(destinations.trainingPool, { type: 'train', task }, { timeoutMs: TRAIN_TIMEOUT_MS }),
    cancelTraining: () => void cast(destinations.trainingPool, { type: 'cancel_trainings' }),
    store: modelStore(wiring),
    machine: machineName(),
    minimumSamples: config.minimumTrainingSamples,
    intervalMs: config.modelUpdateIntervalSeconds * 1000,
    heldOutShare: config.modelValidationSplit,
    driftDetection: config.driftDetectionEnabled,
    onTrained: (pool, outcome) => notices.trained(pool, outcome),
    onDrift: (pool, alarm) => notices.drifted(pool, alarm, isCertain(pool, alarm, accuracy)),
    onStep: (pool, step) => notices.stageChanged(pool, step),
    onRefused: (pool, what, reason) => notices.modelRefused(pool, what, reason),
    onExplorationBudget: (pool, limits) => notices.explorationBudget(pool, limits),
  };
}

/**
 * Whether a drift is one to be told. Page-Hinkley is quick, and rings for little: a training more does no harm, an alert for nothing does. Nor is it
 * drift when a fresh pool learns what its transfers cost.
 */
function isCertain(pool: string, { subject, test }: DriftAlarm, accuracy: AccuracyWatch): boolean {
  if (subject === 'data_size') return true;
  if (subject === 'system_load' || test === 'page_hinkley') return false;
  return accuracy.knows(pool, subject === 'error_grpc' ? 'grpc' : 'zero_copy');
}

function modelStore({ destinations }: TreeWiring): ModelStore {
  const store = destinations.metricsStore;
  const kind = POOL_STATE.model;
  return {
    entries: async () => resultOf(await call(store, { type: 'entries', kind })),
    bytes: async (prefix) => resultOf(await call(store, { type: 'entries_of_bytes', kind, prefix })),
    put: (key, value) => void cast(store, { type: 'put', kind, key, value }),
    putBytes: (key, value) => void cast(store, { type: 'put_bytes', kind, key, value }),
    remove: (key) => void cast(store, { type: 'remove', kind, key }),
  };
}

function proberArgs({ brain, destinations, nowMs, probes, config }: TreeWiring): ProberArgs {
  return {
    board: brain.board,
    offers: probes,
    nowMs,
    elapsedMs: () => performance.now(),
    teach: (pool, learned) => void cast(destinations.thresholdManager(pool), { type: 'probed', probes: learned }),
    onStopped: (pool, why) => config.logger.info(`pool ${pool}: no probes any more: ${why}`),
  };
}

/** Longer than a training may take in its process. */
const TRAIN_TIMEOUT_MS = 200_000;

function analyzerArgs(wiring: TreeWiring): AnalyzerArgs {
  const { config, destinations, machine, notices, timeline } = wiring;
  const store = destinations.metricsStore;
  const [baselines, occurrences] = [POOL_STATE.baseline, OCCURRENCES] as const;
  return {
    statistics: async (query) => resultOf(await call(store, { type: 'statistics', query })),
    series: async (query) => resultOf(await call(store, { type: 'series', query })),
    records: async (query) => resultOf(await call(store, { type: 'records', query }, { timeoutMs: READ_TIMEOUT_MS })),
    timeline,
    machine,
    baselines: {
      restore: async () => resultOf(await call(store, { type: 'entries', kind: baselines })),
      persist: (pool, value) => void cast(store, { type: 'put', kind: baselines, key: pool, value }),
    },
    occurrences: {
      restore: async () => resultOf(await call(store, { type: 'entries', kind: occurrences })),
      persist: (key, value) => void cast(store, { type: 'put', kind: occurrences, key, value }),
      remove: (key) => void cast(store, { type: 'remove', kind: occurrences, key }),
    },
    regressionThreshold: config.regressionDetectionEnabled ? config.regressionThresholdPercent / 100 : undefined,
    raise: (alert) => notices.raise(alert),
    resolve: (key) => notices.resolve(key),
  };
}

/** Twenty thousand records are read in slices, beside everything else. */
const READ_TIMEOUT_MS = 30_000;

function adviserArgs(wiring: TreeWiring, machinePrior: MachinePrior): AdviserArgs {
  const { alertTable, brain, destinations, nowMs, notices } = wiring;
  const advice = adviceArgs(wiring, machinePrior);
  return {
    nowMs,
    table: alertTable,
    takePending: () => notices.takePending(),
    counts: () => ({
      deadLetters: notices.deadLetters,
      decisions: [...brain.admission.pools()].reduce((sum, { counters }) => sum + counters.decisions, 0),
      failedDecisions: brain.refusals.failedDecisions,
      droppedRecords: brain.queue.dropped,
    }),
    storage: adviserStorage(destinations, ADVISER_STATE.alerts),
    onRaised: (alert) => notices.alertRaised(alert),
    onResolved: (alert) => notices.alertResolved(alert),
    advice,
  };
}

function adviceArgs({ brain, config, destinations, nowMs }: TreeWiring, machinePrior: MachinePrior): AdviceDeskArgs {
  const { controller, learner, metricsStore: store } = destinations;
  return {
    nowMs,
    board: brain.board,
    records: async (query) => resultOf(await call(store, { type: 'records', query }, { timeoutMs: READ_TIMEOUT_MS })),
    versions: (pool) => call(learner, { type: 'get_versions', pool }),
    costModel: () => machinePrior.costModel,
    updatePolicy: (pool, patch, by, why) => call(controller, { type: 'update_policy', pool, patch, by, why }),
    // Outlives the adviser, as alerts do.
    book: new AdviceBook(),
    storage: adviserStorage(destinations, ADVISER_STATE.advice),
    onFailed: (error) => config.logger.info(`advice could not be looked for: ${describeReason(error)}`),
  };
}

function adviserStorage({ metricsStore }: Destinations, key: string): AdviserArgs['storage'] {
  const { kind } = ADVISER_STATE;
  return {
    restore: async () => resultOf(await call(metricsStore, { type: 'get', kind, key })),
    persist: (value) => void cast(metricsStore, { type: 'put', kind, key, value }),
  };
}

function controllerArgs(wiring: TreeWiring): ControllerArgs {
  const { brain, config, destinations, nowMs } = wiring;
  return {
    board: brain.board,
    hotPath: {
      decide: (request) => plain(brain.decider.decide(request)),
      record: (transferId, metrics) => brain.decider.record(transferId, metrics),
      statistics: (pool) => plain(brain.statistics(pool)),
      explain: (transferId) => plain(brain.decider.find(transferId)),
    },
    nowMs,
    ensureManager: (pool) => ensureManager(wiring, pool),
    notifyManager: (pool) => {
      const manager = destinations.thresholdManager(pool);
      // One that starts later starts from the policy it finds.
      if (manager.whereis()) cast(manager, { type: 'policy_changed' });
    },
    isConfigured: (pool) => config.pools.some(({ name }) => name === pool),
    disabledRules: (pool) => new Set(brain.factory.disabledRules(pool).keys()),
    enableRule: (pool, rule) => brain.factory.enableRule(pool, rule),
    restorePolicies: async () =>
      resultOf(await call(destinations.metricsStore, { type: 'entries', kind: POOL_STATE.policy })),
    onPolicyChanged: (pool, change) => wiring.timeline.add('policy_changed', change, pool),
    persistPolicy: (pool, value) =>
      void cast(destinations.metricsStore, { type: 'put', kind: POOL_STATE.policy, key: pool, value }),
    publish: (slot, pool, version) => {
      brain.factory.publish(slot, pool, version);
      brain.ruleMetrics.publish(slot);
    },
    mode: () => brain.mode,
    setMode: (mode) => brain.setMode(mode),
    persistMode: (value) => {
      const entry = { kind: POOL_STATE.policy, key: MODE_KEY } as const;
      cast(
        destinations.metricsStore,
        value === undefined ? { type: 'remove', ...entry } : { type: 'put', ...entry, value },
      );
    },
    onModeRestored: ({ mode, atMs, by, why }) => {
      const note = [new Date(atMs).toISOString(), by && `by ${by}`, why].filter(Boolean).join(', ');
      config.logger.warn(`decisions are ${mode}, as before the restart (${note}); runtime.enable() takes it back`);
    },
    onPolicySkipped: (pool, why) =>
      config.logger.warn(`pool ${pool}: a policy set at run time is not taken back: ${why}`),
  };
}

/** Messages carry plain data only. */
function plain<T>(value: T): ReturnType<typeof JSON.parse> {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
