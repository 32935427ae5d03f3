/**
 * `pitwall`: decides, transfer by transfer, whether a payload travels as gRPC bytes or through zero-copy shared memory. Own actors:
 * `pitwall/otp`; moving payloads: `pitwall/transports`; OpenTelemetry's SDK: `pitwall/telemetry`.
 */
export type { Alert, AlertKind, PastAlert } from './actors/adviser.ts';
export type { BenchmarkProgress } from './actors/benchmark.ts';
export type { BenchmarkLane, BenchmarkLaneContext, BenchmarkLanes } from './actors/benchmark-burst.ts';
export type { LaneTrend } from './actors/lane-trends.ts';
export type { PoolLearning, TimedStep, TrainingOutcome } from './actors/learner-messages.ts';
export type { PolicySource, PolicyVersion } from './actors/policy-history.ts';
export type { PoolProbes } from './actors/prober.ts';
export type { LaneBottlenecks } from './actors/record-questions.ts';
export type { RegressionGroup } from './actors/regression-report.ts';
export type { ActiveRegression, KindBaseline } from './actors/regression-watch.ts';
export type { Occurrence, OccurrenceKind } from './actors/timeline.ts';
export { ConfigError } from './config/config-error.ts';
export type { ConfigChange, ConfigValue, PolicyChange } from './config/diff.ts';
export { checkConfig, validateConfig } from './config/parse.ts';
export type { ConfigProblem } from './config/problems.ts';
export type {
  CustomRule,
  Goal,
  Logger,
  PolicyPatch,
  PoolOptions,
  RuntimeConfig,
  RuntimeOptions,
} from './config/types.ts';
export type { Decision } from './decision/decision.ts';
export type { Flip } from './decision/flip.ts';
export type { Forecast, ForecastedPayload, ForecastPayload, Workload } from './decision/forecast.ts';
export type {
  BreakerState,
  CostBenefitAnalysis,
  DataType,
  DecisionReason,
  Format,
  LaneMetrics,
  Method,
  MethodEstimate,
  PolicyTrace,
  PoolMetrics,
  PoolSnapshot,
  ResourceSnapshot,
  RolloutStage,
  RuleContext,
  Threshold,
  TransferRequest,
  TransportSnapshot,
  Warmth,
} from './decision/types.ts';
export { type MeasureOptions, measureMachine } from './doctor/measure.ts';
export type { MachineReport } from './doctor/report.ts';
export { InvalidArgumentError, PitwallError } from './errors.ts';
export type { AdviceApi, AdviceNote } from './facade/advice.ts';
export type { Analyzer, PoolRecordsQuery } from './facade/analyzer.ts';
export type { BenchmarkJob, BenchmarkOptions } from './facade/benchmark.ts';
export { benchmarkHtml } from './facade/benchmark-page.ts';
export type { ConfigDiff } from './facade/configuration.ts';
export type { CostBenefit, SystemState } from './facade/cost-benefit.ts';
export type { DryRunOptions } from './facade/dry-run.ts';
export type { ExperimentOptions, VariantOptions } from './facade/experiment-options.ts';
export type { Experiments } from './facade/experiments.ts';
export type { HealthHandlerOptions, HealthProblem, HealthReport, Probe } from './facade/health-report.ts';
export type { DriftReport, Learning, Prediction, ProbeOptions } from './facade/learning.ts';
export type { OffPolicyQuery, OffPolicyReport } from './facade/off-policy.ts';
export type { Policies, PolicyChangeNote, RollbackNote, RuleStatus } from './facade/policies.ts';
export type { StateExportOptions } from './facade/state-export.ts';
export type { Thresholds } from './facade/thresholds.ts';
export type { TransferMetrics } from './hot-path/complete.ts';
export type { Lane, LaneContext, Lanes, TransferInput } from './hot-path/lanes.ts';
export type { TransferOptions } from './hot-path/transfer.ts';
export type { Distilled, Lesson } from './learning/distill.ts';
export type { DriftAlarm } from './learning/drift.ts';
export type { MachineCard } from './learning/machine-card.ts';
export type { ModelVersion } from './learning/model-version.ts';
export type { ReplayProgress, ReplayResult } from './learning/replay.ts';
export type { ThresholdChange } from './learning/threshold-tuning.ts';
export type { TraceRow } from './learning/trace.ts';
export type { TrackedAdvice } from './metrics/analysis/advice/realized.ts';
export type { Advice, AdviceChange, AdviceKind, Gain, Recommendation } from './metrics/analysis/advice/types.ts';
export { benchmarkText } from './metrics/analysis/benchmark/text.ts';
export type {
  BenchmarkCell,
  BenchmarkPlan,
  BenchmarkReport,
  BenchmarkScenario,
} from './metrics/analysis/benchmark/types.ts';
export type { Bottleneck } from './metrics/analysis/bottleneck.ts';
export type { DryRunEffect, DryRunKind, DryRunReport, LatencyChange } from './metrics/analysis/dry-run/types.ts';
export type { Estimate } from './metrics/analysis/experiment/bootstrap.ts';
export {
  type LoggedChoice,
  type OffPolicyOptions,
  type OffPolicyValue,
  offPolicyValue,
  type PolicyEstimate,
} from './metrics/analysis/experiment/off-policy.ts';
export type { ExperimentReport } from './metrics/analysis/experiment/types.ts';
export type { TransferKind } from './metrics/analysis/kind.ts';
export type { ExplainedOutlier, OutlierReport } from './metrics/analysis/outlier-causes.ts';
export type { Profile } from './metrics/analysis/profile.ts';
export type { Outcome, TransferRecord } from './metrics/record.ts';
export type { RangeStatistics, SeriesPoint, StoreStatistics } from './metrics/statistics.ts';
export type { SeriesQuery, StatisticsQuery } from './metrics/store-types.ts';
export { type ReplayReport, type ReplayTraceOptions, replayTrace } from './replay-trace.ts';
export { type Runtime, type RuntimeStatus, startRuntime } from './runtime.ts';
export type { PoolBuffer } from './transports/pool-buffer.ts';
export type { RuntimePort } from './transports/runtime-port.ts';
export type { PoolStatistics } from './wiring/brain.ts';
export type { RuntimeEvent, RuntimeListener } from './wiring/notices.ts';
