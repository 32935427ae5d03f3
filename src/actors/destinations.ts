/** Where messages to pitwall's own actors go: names, looked up at each use, so that a restart is not noticed. */
import { type NamedRef, named, type System } from '../otp/index.ts';
import type { AdviserCall, AdviserCast, AdviserInfo } from './adviser.ts';
import type { AnalyzeRecords, AnalyzerCall, AnalyzerInfo } from './analyzer.ts';
import type { ControllerCall, ControllerCast, EnsureManagers } from './controller.ts';
import type { CountRecords, ExperimenterCall, ExperimenterInfo } from './experiment-messages.ts';
import type { LearnerCall, LearnerInfo, LearnFrom } from './learner-messages.ts';
import type { MetricsStoreCall, MetricsStoreCast, Retain } from './metrics-store.ts';
import { ACTOR, thresholdManagerName } from './names.ts';
import type { GetProbes, ProbeFrom, ProberInfo } from './prober.ts';
import type { Drain, FlushRecords, RecordsWait } from './recorder.ts';
import type { ThresholdManagerCall, ThresholdManagerCast, ThresholdManagerInfo } from './threshold-manager.ts';
import type { CancelTrainings, GetTrainingStatus, Train } from './training-pool.ts';

export type ThresholdManagerRef = NamedRef<ThresholdManagerCall, ThresholdManagerCast, ThresholdManagerInfo>;

export class Destinations {
  readonly metricsStore: NamedRef<MetricsStoreCall, MetricsStoreCast, Retain>;
  readonly recorder: NamedRef<FlushRecords, RecordsWait, Drain>;
  readonly analyzer: NamedRef<AnalyzerCall, AnalyzeRecords, AnalyzerInfo>;
  readonly experimenter: NamedRef<ExperimenterCall, CountRecords, ExperimenterInfo>;
  readonly adviser: NamedRef<AdviserCall, AdviserCast, AdviserInfo>;
  readonly controller: NamedRef<ControllerCall, ControllerCast, EnsureManagers>;
  readonly trainingPool: NamedRef<Train | GetTrainingStatus, CancelTrainings>;
  readonly learner: NamedRef<LearnerCall, LearnFrom, LearnerInfo>;
  readonly prober: NamedRef<GetProbes, ProbeFrom, ProberInfo>;
  readonly #system: System;

  constructor(system: System) {
    this.#system = system;
    this.metricsStore = named(system, ACTOR.metricsStore);
    this.recorder = named(system, ACTOR.recorder);
    this.analyzer = named(system, ACTOR.analyzer);
    this.adviser = named(system, ACTOR.adviser);
    this.experimenter = named(system, ACTOR.experimenter);
    this.controller = named(system, ACTOR.controller);
    this.trainingPool = named(system, ACTOR.workerPool);
    this.learner = named(system, ACTOR.learner);
    this.prober = named(system, ACTOR.prober);
  }

  thresholdManager(pool: string): ThresholdManagerRef {
    return named(this.#system, thresholdManagerName(pool));
  }
}
