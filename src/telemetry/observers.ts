import { type BatchObservableResult, diag, type Meter } from '@opentelemetry/api';
import type { Caps } from './attribute-sets.ts';
import { type AttributeKey, METRICS, OTHER } from './names.ts';
import { max, Series, sum } from './series.ts';
import type { TelemetrySource } from './source.ts';
import type { Worth } from './worth.ts';

/** Losses of telemetry's own. */
export interface Losses {
  /** Measurements reported under `other`, by attribute. */
  readonly folded: ReadonlyMap<AttributeKey, number>;
  /** Records that no histogram has seen. */
  readonly skipped: () => number;
}

/** A few series, and how to read them. */
interface Reading {
  readonly series: readonly Series[];
  readonly read: () => void;
}

/**
 * Registers the metrics that are read at collection time. Returns the function that reads them a last time, for the next collection, and
 * unregisters them.
 *
 * @param losses what telemetry itself could not show as it is
 */
export function observeSource(
  meter: Meter,
  source: TelemetrySource,
  caps: Caps,
  losses: Losses,
  worth: Worth,
): () => void {
  const readings = [
    ...decisionReadings(meter, source, caps),
    ...processReadings(meter, source, caps),
    ...worthReadings(meter, caps, worth),
    machineReading(meter, source, caps, worth),
    ...lossReadings(meter, caps, losses),
  ];
  const series = readings.flatMap((reading) => reading.series);
  const observables = series.map((each) => each.observable);
  const readAll = (): void => {
    for (const { read } of readings) attempt(read);
  };
  let stopped = false;
  const collect = (result: BatchObservableResult): void => {
    if (!stopped) readAll();
    for (const each of series) each.report(result);
    // Not from within: the SDK walks through its callbacks now.
    if (stopped) setImmediate(() => meter.removeBatchObservableCallback(collect, observables));
  };
  meter.addBatchObservableCallback(collect, observables);
  worth.costModelOf = (pool) => source.costModel(pool);
  return () => {
    if (stopped) return;
    stopped = true;
    // What was counted since the last collection is read now, for the one that comes: the export at the end of the host.
    readAll();
    readings.length = 0;
    worth.costModelOf = undefined;
  };
}

function decisionReadings(meter: Meter, source: TelemetrySource, caps: Caps): Reading[] {
  const decisions = new Series(meter, METRICS.decisions, caps, sum);
  const explorations = new Series(meter, METRICS.explorations, caps, sum);
  const inFlight = new Series(meter, METRICS.transfersInFlight, caps, sum);
  const circuit = new Series(meter, METRICS.circuitOpen, caps, max);
  const stage = new Series(meter, METRICS.modelStage, caps, max);
  const threshold = new Series(meter, METRICS.threshold, caps, max);
  const adjustments = new Series(meter, METRICS.thresholdAdjustments, caps, sum);
  const trainings = new Series(meter, METRICS.trainings, caps, sum);
  return [
    {
      series: [decisions],
      read: () => source.decisions((pool, method, reason, count) => decisions.add(count, pool, method, reason)),
    },
    {
      series: [explorations, inFlight, circuit, stage],
      read: () =>
        source.pools((pool, state) => {
          explorations.add(state.explorations, pool);
          inFlight.add(state.inFlight, pool);
          circuit.add(state.circuitOpen ? 1 : 0, pool);
          stage.add(state.modelStage, pool);
        }),
    },
    {
      series: [threshold],
      read: () =>
        source.thresholds((pool, dataType, bytes) => {
          // The highest of many pools' thresholds says nothing about any.
          if (caps.get('pool')?.admit(pool) !== OTHER) threshold.add(bytes, pool, dataType);
        }),
    },
    {
      series: [adjustments],
      read: () => source.thresholdAdjustments((pool, direction, count) => adjustments.add(count, pool, direction)),
    },
    {
      series: [trainings],
      read: () => source.trainings((pool, outcome, count) => trainings.add(count, pool, outcome)),
    },
  ];
}

function processReadings(meter: Meter, source: TelemetrySource, caps: Caps): Reading[] {
  const mailbox = new Series(meter, METRICS.actorMailbox, caps, max);
  const restarts = new Series(meter, METRICS.supervisorRestarts, caps, sum);
  const dropped = new Series(meter, METRICS.recordsDropped, caps, sum);
  const alerts = new Series(meter, METRICS.alertsActive, caps, sum);
  const webhook = new Series(meter, METRICS.webhookMessages, caps, sum);
  return [
    { series: [mailbox], read: () => source.mailboxes((actor, length) => mailbox.add(length, actor)) },
    {
      series: [restarts],
      read: () => source.restarts((supervisor, child, count) => restarts.add(count, supervisor, child)),
    },
    { series: [dropped], read: () => source.dropped((cause, count) => dropped.add(count, cause)) },
    { series: [alerts], read: () => source.alerts((kind, severity, active) => alerts.add(active, kind, severity)) },
    { series: [webhook], read: () => source.webhook((outcome, count) => webhook.add(count, outcome)) },
  ];
}

function worthReadings(meter: Meter, caps: Caps, worth: Worth): Reading[] {
  const verdicts = new Series(meter, METRICS.verdicts, caps, sum);
  const durations = new Series(meter, METRICS.strategyDuration, caps, sum);
  return [
    {
      series: [verdicts],
      read: () => {
        for (const [pool, verdict, count] of worth.verdicts()) verdicts.add(count, pool, verdict);
      },
    },
    {
      series: [durations],
      read: () => {
        for (const [pool, strategy, seconds] of worth.seconds()) durations.add(seconds, pool, strategy);
      },
    },
  ];
}

function machineReading(meter: Meter, source: TelemetrySource, caps: Caps, worth: Worth): Reading {
  const degraded = new Series(meter, METRICS.degraded, caps, max);
  const overhead = new Series(meter, METRICS.overhead, caps, sum);
  const waiting = new Series(meter, METRICS.recordsWaiting, caps, sum);
  const storeSize = new Series(meter, METRICS.storeSize, caps, sum);
  const utilization = new Series(meter, METRICS.resourceUtilization, caps, max);
  const delay = new Series(meter, METRICS.eventLoopDelay, caps, max);
  const room = new Series(meter, METRICS.sharedMemoryRoom, caps, max);
  const known = (series: Series, value: number | undefined, ...labels: string[]): void => {
    if (value !== undefined && Number.isFinite(value)) series.add(value, ...labels);
  };
  return {
    series: [degraded, overhead, waiting, storeSize, utilization, delay, room],
    read() {
      const machine = source.machine();
      degraded.add(machine.degraded ? 1 : 0);
      overhead.add(worth.decisionSeconds, 'decisions');
      overhead.add(machine.actorsMs / 1e3, 'actors');
      overhead.add(worth.feedingSeconds, 'metrics');
      waiting.add(machine.recordsWaiting);
      known(storeSize, machine.storeSize);
      known(utilization, machine.systemLoad, 'cpu');
      known(utilization, machine.memoryLoad, 'memory');
      known(delay, machine.eventLoopDelayUs === undefined ? undefined : machine.eventLoopDelayUs / 1e6);
      known(room, machine.sharedMemoryRoom);
    },
  };
}

function lossReadings(meter: Meter, caps: Caps, losses: Losses): Reading[] {
  const folded = new Series(meter, METRICS.folded, caps, sum);
  const skipped = new Series(meter, METRICS.skipped, caps, sum);
  return [
    {
      series: [folded],
      read: () => {
        for (const [key, count] of losses.folded) folded.add(count, key);
      },
    },
    { series: [skipped], read: () => skipped.add(losses.skipped()) },
  ];
}

/** One reading that fails costs only itself. */
function attempt(read: () => void): void {
  try {
    read();
  } catch (error) {
    diag.error('pitwall: a metric could not be read', error);
  }
}
