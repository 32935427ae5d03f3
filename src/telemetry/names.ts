/**
 * Every name that pitwall gives to OpenTelemetry, with unit, meaning and attributes. `docs/telemetry.md` is generated from this file.
 * Names are stable: dashboards and alerts match them.
 */

/** The instrumentation scope. */
export const SCOPE = 'pitwall';

/** What a label value becomes when its label has as many values as it may. */
export const OTHER = 'other';

interface AttributeDoc {
  readonly name: string;
  readonly description: string;
}

export const ATTRIBUTES = {
  pool: { name: 'pitwall.pool', description: 'Name of the pool.' },
  method: { name: 'pitwall.method', description: 'Lane: `zero_copy` or `grpc`.' },
  reason: { name: 'pitwall.reason', description: 'Why the lane was chosen, e.g. `cost_model`, `below_minimum`.' },
  dataType: { name: 'pitwall.data_type', description: 'What the payload is, e.g. `tensor`.' },
  format: { name: 'pitwall.format', description: 'How it is encoded, e.g. `numpy`.' },
  outcome: { name: 'pitwall.outcome', description: '`success`, `failed`, or `ignored` (says nothing about the lane).' },
  actor: { name: 'pitwall.actor', description: "Name of one of pitwall's actors." },
  supervisor: { name: 'pitwall.supervisor', description: 'Name of the supervisor.' },
  child: { name: 'pitwall.child', description: 'Id of the child in its supervisor.' },
  cause: { name: 'pitwall.cause', description: 'Why a record was dropped.' },
  attribute: { name: 'pitwall.attribute', description: 'Which attribute had more values than it may.' },
  transferId: { name: 'pitwall.transfer.id', description: 'As `runtime.explain` takes it.' },
  dataSize: { name: 'pitwall.data_size', description: 'Bytes of the payload.' },
  predictedLatencyUs: {
    name: 'pitwall.predicted_latency_us',
    description: 'Predicted latency of the chosen lane, µs.',
  },
  explored: { name: 'pitwall.explored', description: 'True where the other lane was tried to learn from it.' },
  fallback: { name: 'pitwall.fallback', description: 'True where the decision itself could not be made as usual.' },
  modelId: { name: 'pitwall.model.id', description: 'Of the model that a training brought forth.' },
  rows: { name: 'pitwall.train.rows', description: 'Records that a training used.' },
  context: { name: 'pitwall.report.context', description: "OTP's error context, e.g. `child_terminated`." },
  exitReason: { name: 'pitwall.report.reason', description: 'The exit reason as text, at most 256 characters.' },
  alertKey: { name: 'pitwall.alert.key', description: 'Names the alert: one per key is active at a time.' },
  alertKind: { name: 'pitwall.alert.kind', description: 'What it is about, e.g. `regression`, `memory_pressure`.' },
  alertSeverity: { name: 'pitwall.alert.severity', description: '`warning` or `critical`.' },
  alertComparison: { name: 'pitwall.alert.comparison', description: 'The figures behind it, as JSON.' },
  alertCause: { name: 'pitwall.alert.cause', description: 'What probably made it happen.' },
  alertLookAt: { name: 'pitwall.alert.look_at', description: 'Where to look first, and what to do.' },
  alertCount: { name: 'pitwall.alert.count', description: 'How often it was raised while it was active.' },
  delivery: {
    name: 'pitwall.webhook.outcome',
    description: '`delivered`, `retried` (an attempt that failed), `given_up` or `dropped` (the queue was full).',
  },
  verdict: {
    name: 'pitwall.verdict',
    description: '`right`, `wrong`, or `unknown`: too little is known of one of the lanes.',
  },
  strategy: {
    name: 'pitwall.strategy',
    description: '`pitwall` (what really happened), `always_grpc`, `always_zero_copy`.',
  },
  direction: { name: 'pitwall.direction', description: '`up` or `down`.' },
  training: {
    name: 'pitwall.training.outcome',
    description: 'What a training came to: `published`, `not_better`, `failed`, `too_few_samples`, …',
  },
  resource: { name: 'pitwall.resource', description: '`cpu` (of all cores) or `memory` (of the control group).' },
  part: {
    name: 'pitwall.part',
    description: '`decisions`, `actors` (all messages that they handle) or `metrics` (feeding the histograms).',
  },
  restarts: { name: 'pitwall.report.restarts', description: "Restarts that count within the supervisor's period." },
} as const satisfies Record<string, AttributeDoc>;

export type AttributeKey = keyof typeof ATTRIBUTES;

export interface MetricDoc {
  readonly name: string;
  readonly instrument: 'counter' | 'histogram' | 'gauge';
  readonly unit: string;
  readonly description: string;
  readonly attributes: readonly AttributeKey[];
  /** Bucket boundaries that suit the quantity, in its unit; a view of the host's may say otherwise. */
  readonly boundaries?: readonly number[];
}

export const METRICS = {
  decisions: {
    name: 'pitwall.decisions',
    instrument: 'counter',
    unit: '{decision}',
    description: 'Decisions made.',
    attributes: ['pool', 'method', 'reason'],
  },
  decisionDuration: {
    name: 'pitwall.decision.duration',
    instrument: 'histogram',
    unit: 's',
    description: 'Time that a decision took, of decisions whose transfer was recorded.',
    attributes: ['pool'],
    boundaries: [5e-7, 1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 1e-3, 1e-2],
  },
  transferDuration: {
    name: 'pitwall.transfer.duration',
    instrument: 'histogram',
    unit: 's',
    description: 'Time that a transfer took, end to end; each leg of one that fell back counts.',
    attributes: ['pool', 'method', 'dataType', 'format', 'outcome'],
    boundaries: [1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  transferSize: {
    name: 'pitwall.transfer.size',
    instrument: 'histogram',
    unit: 'By',
    description: 'Size of payloads, encoded and uncompressed.',
    attributes: ['pool', 'method', 'dataType', 'format'],
    boundaries: [1024, 8192, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864, 268_435_456, 1_073_741_824],
  },
  predictionError: {
    name: 'pitwall.prediction.error',
    instrument: 'histogram',
    unit: '1',
    description: '|actual - predicted| / predicted latency, of successful transfers.',
    attributes: ['pool', 'method'],
    boundaries: [0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5, 10],
  },
  explorations: {
    name: 'pitwall.explorations',
    instrument: 'counter',
    unit: '{decision}',
    description: 'Decisions that tried the lane that was believed to be slower, to learn from it.',
    attributes: ['pool'],
  },
  verdicts: {
    name: 'pitwall.decision.verdicts',
    instrument: 'counter',
    unit: '{decision}',
    description:
      'Decisions of successful transfers, exploration left out, judged afterwards: `right` where the lane is expected to be within 5 % of the faster one. right / (right + wrong) is the accuracy.',
    attributes: ['pool', 'verdict'],
  },
  strategyDuration: {
    name: 'pitwall.strategy.duration',
    instrument: 'counter',
    unit: 's',
    description:
      'Time that the same transfers took, and are expected to have taken had all gone one way. 1 - pitwall / always_grpc is the improvement.',
    attributes: ['pool', 'strategy'],
  },
  transfersInFlight: {
    name: 'pitwall.transfers.in_flight',
    instrument: 'gauge',
    unit: '{transfer}',
    description: 'Transfers that have been decided and are not over.',
    attributes: ['pool'],
  },
  circuitOpen: {
    name: 'pitwall.circuit.open',
    instrument: 'gauge',
    unit: '1',
    description: "1 while the zero-copy lane's circuit is not closed, else 0.",
    attributes: ['pool'],
  },
  thresholdAdjustments: {
    name: 'pitwall.threshold.adjustments',
    instrument: 'counter',
    unit: '{adjustment}',
    description: 'Steps of thresholds and of the quick path, by themselves or by an operator.',
    attributes: ['pool', 'direction'],
  },
  trainings: {
    name: 'pitwall.trainings',
    instrument: 'counter',
    unit: '{training}',
    description: 'Trainings of models that have ended.',
    attributes: ['pool', 'training'],
  },
  modelStage: {
    name: 'pitwall.model.stage',
    instrument: 'gauge',
    unit: '1',
    description: 'How far a trained model steers: 0 not at all, 1 where it is sure, 2 fully.',
    attributes: ['pool'],
  },
  degraded: {
    name: 'pitwall.degraded',
    instrument: 'gauge',
    unit: '1',
    description: '1 while `runtime.status` is degraded, else 0.',
    attributes: [],
  },
  overhead: {
    name: 'pitwall.overhead.duration',
    instrument: 'counter',
    unit: 's',
    description: "Time of the host's event loop that pitwall itself took.",
    attributes: ['part'],
  },
  recordsWaiting: {
    name: 'pitwall.records.waiting',
    instrument: 'gauge',
    unit: '{record}',
    description: 'Records that are not stored yet.',
    attributes: [],
  },
  storeSize: {
    name: 'pitwall.store.size',
    instrument: 'gauge',
    unit: 'By',
    description: "The store's file; absent where nothing is kept on disk.",
    attributes: [],
  },
  resourceUtilization: {
    name: 'pitwall.resource.utilization',
    instrument: 'gauge',
    unit: '1',
    description: 'Share of the machine in use, 0..1, as decisions see it.',
    attributes: ['resource'],
  },
  eventLoopDelay: {
    name: 'pitwall.event_loop.delay',
    instrument: 'gauge',
    unit: 's',
    description: "99th percentile of the event loop's delay over the last quarter of a second.",
    attributes: [],
  },
  sharedMemoryRoom: {
    name: 'pitwall.shared_memory.room',
    instrument: 'gauge',
    unit: 'By',
    description: 'What new shared memory may still take.',
    attributes: [],
  },
  threshold: {
    name: 'pitwall.threshold',
    instrument: 'gauge',
    unit: 'By',
    description: 'Size from which zero-copy is taken where nothing better is known. Pools beyond the cap are left out.',
    attributes: ['pool', 'dataType'],
  },
  actorMailbox: {
    name: 'pitwall.actor.mailbox',
    instrument: 'gauge',
    unit: '{message}',
    description: 'Messages that wait; of actors reported together, the longest mailbox.',
    attributes: ['actor'],
  },
  supervisorRestarts: {
    name: 'pitwall.supervisor.restarts',
    instrument: 'counter',
    unit: '{restart}',
    description: 'Restarts of children.',
    attributes: ['supervisor', 'child'],
  },
  recordsDropped: {
    name: 'pitwall.records.dropped',
    instrument: 'counter',
    unit: '{record}',
    description: 'Records of transfers that were lost.',
    attributes: ['cause'],
  },
  alertsActive: {
    name: 'pitwall.alerts.active',
    instrument: 'gauge',
    unit: '{alert}',
    description: 'Alerts that are active; 0 for a kind whose alerts are over.',
    attributes: ['alertKind', 'alertSeverity'],
  },
  webhookMessages: {
    name: 'pitwall.webhook.messages',
    instrument: 'counter',
    unit: '{message}',
    description: 'Messages of the alert webhook, by what became of them.',
    attributes: ['delivery'],
  },
  folded: {
    name: 'pitwall.telemetry.folded',
    instrument: 'counter',
    unit: '{measurement}',
    description:
      'Measurements reported under `other` because an attribute had as many values, or a metric as many series, as it may.',
    attributes: ['attribute'],
  },
  skipped: {
    name: 'pitwall.telemetry.skipped',
    instrument: 'counter',
    unit: '{record}',
    description: 'Records that no histogram has seen, because more came than the SDK could take.',
    attributes: [],
  },
} as const satisfies Record<string, MetricDoc>;

export interface SpanDoc {
  readonly name: string;
  readonly description: string;
  readonly attributes: readonly AttributeKey[];
}

export const SPANS = {
  transfer: {
    name: 'pitwall.transfer',
    description: 'One transfer that pitwall carries out, from decision to answer.',
    attributes: ['transferId', 'pool', 'method', 'reason', 'dataType', 'format', 'dataSize', 'fallback'],
  },
  decide: {
    name: 'pitwall.decide',
    description:
      'The decision, child of `pitwall.transfer`. A decision that a host asks for alone has no span: it is counted.',
    attributes: ['method', 'reason', 'explored', 'predictedLatencyUs'],
  },
  execute: {
    name: 'pitwall.execute',
    description: 'The payload moves and the worker answers, child of `pitwall.transfer`.',
    attributes: ['method'],
  },
  fallback: {
    name: 'pitwall.fallback',
    description: 'The same again by gRPC, after zero-copy failed: the second child of its kind.',
    attributes: ['method'],
  },
  train: {
    name: 'pitwall.train',
    description: 'A training of a model, from the choice of its records to its publication.',
    attributes: ['pool', 'rows', 'modelId'],
  },
  supervise: {
    name: 'pitwall.supervise',
    description: 'Carries a supervisor report that no other span is there to carry.',
    attributes: ['supervisor', 'child'],
  },
} as const satisfies Record<string, SpanDoc>;

export const EVENTS = {
  report: {
    name: 'pitwall.supervisor.report',
    description: 'A child crashed, did not stop as it should, or its supervisor gave up.',
    attributes: ['supervisor', 'child', 'context', 'exitReason', 'restarts'],
  },
} as const satisfies Record<string, SpanDoc>;

/** Log records, by what happened to an alert. */
export const LOGS = {
  raised: {
    name: 'pitwall.alert.raised',
    description:
      'An alert was raised, or became critical. `WARN`, or `ERROR` where it is critical; the body is its message.',
    attributes: [
      'alertKey',
      'alertKind',
      'alertSeverity',
      'pool',
      'alertComparison',
      'alertCause',
      'alertLookAt',
      'alertCount',
    ],
  },
  resolved: {
    name: 'pitwall.alert.resolved',
    description: 'It is over. `INFO`.',
    attributes: ['alertKey', 'alertKind', 'alertSeverity', 'pool', 'alertCount'],
  },
} as const satisfies Record<string, SpanDoc>;
