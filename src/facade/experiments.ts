import type { Destinations } from '../actors/destinations.ts';
import type {
  ChangeSplit,
  ExperimentOutcome,
  PromoteVariant,
  RollBackExperiment,
  StopExperiment,
} from '../actors/experiment-messages.ts';
import type { ReadOutcome } from '../actors/metrics-store.ts';
import { isName } from '../config/names.ts';
import type { RuntimeConfig } from '../config/types.ts';
import { comparedBy } from '../decision/objective.ts';
import { InvalidArgumentError, PitwallError } from '../errors.ts';
import { experimentText } from '../metrics/analysis/experiment/text.ts';
import type { ExperimentReport } from '../metrics/analysis/experiment/types.ts';
import type { TransferRecord } from '../metrics/record.ts';
import { call, describeReason } from '../otp/index.ts';
import type { SnapshotBoard } from '../snapshots.ts';
import { checkShares, type ExperimentOptions, readExperiment, type VariantOptions } from './experiment-options.ts';
import { experimentHtml } from './experiment-page.ts';
import { type OffPolicyQuery, type OffPolicyReport, offPolicyReport } from './off-policy.ts';
import { type PolicyChangeNote, readNote } from './policies.ts';

export interface ExperimentsOptions {
  readonly board: SnapshotBoard;
  readonly destinations: Destinations;
  readonly config: RuntimeConfig;
}

/** `runtime.experiments`: try another policy on a share of the traffic, see what it does, keep it or take it back. `docs/experiments.md`. */
export class Experiments {
  readonly #options: ExperimentsOptions;

  constructor(options: ExperimentsOptions) {
    this.#options = options;
  }

  /**
   * Splits a pool's traffic between two or more variants, from the next decision on: by session where requests have one (`sessionId`), else request by
   * request. One experiment a pool at a time; it survives a restart. One that rests for want of its custom rules goes on when it is started again.
   *
   * @throws PitwallError `PITWALL_EXPERIMENTS_DISABLED` where the configuration does not allow them (`abTestingEnabled`), `PITWALL_EXPERIMENT_REFUSED` saying
   *   why it cannot start; ConfigError `PITWALL_INVALID_POLICY` for a variant's policy; InvalidArgumentError; CallError while the experimenter is down
   * @example
   * await runtime.experiments.start({
   *   pool: 'ml', name: 'small-margin',
   *   variants: { control: { share: 0.5 }, treatment: { share: 0.5, policy: { marginalBenefit: 0.02 } } },
   * });
   */
  async start(options: ExperimentOptions): Promise<ExperimentReport> {
    const { config, board, destinations } = this.#options;
    if (!config.abTestingEnabled) {
      throw new PitwallError(
        'PITWALL_EXPERIMENTS_DISABLED',
        'experiments are off: set abTestingEnabled: true in the options of startRuntime',
      );
    }
    const slot = board.slot(typeof options === 'object' ? options?.pool : '');
    if (slot === undefined) throw new InvalidArgumentError('pool', options?.pool, 'the name of a pool that exists');
    const metric = comparedBy(slot.config.goal) === 'mean' ? 'total_time' : 'latency';
    const salt = Math.floor(config.random() * 2 ** 31);
    const { definition, patches } = readExperiment(options, config, metric, salt);
    return reportOf(await call(destinations.experimenter, { type: 'start_experiment', definition, patches }));
  }

  /** An experiment with all its figures; undefined where there is none of that name. */
  get(name: string): Promise<ExperimentReport | undefined> {
    return call(this.#options.destinations.experimenter, { type: 'get_experiment', name });
  }

  /** Those that run, rest, or are over (the latest 200), the newest first. */
  list(pool?: string): Promise<readonly ExperimentReport[]> {
    return call(this.#options.destinations.experimenter, { type: 'list_experiments', pool });
  }

  /** Ends it: all traffic is back under the pool's policy. What was counted stays. @throws as `start` */
  async stop(name: string, why?: string): Promise<ExperimentReport> {
    return this.#ask({ type: 'stop_experiment', name, why });
  }

  /**
   * Another split, by variant: moves as few sessions as it can, and starts the comparison anew (shares that differ over time would mix times with
   * variants).
   * @throws InvalidArgumentError for shares that do not add up to 1; as `start`
   */
  async changeSplit(name: string, shares: Readonly<Record<string, number>>): Promise<ExperimentReport> {
    if (typeof shares !== 'object' || shares === null) throw new InvalidArgumentError('shares', shares, 'an object');
    const read = new Map(Object.entries(shares));
    for (const [variant, share] of read) {
      if (!(typeof share === 'number' && share >= 0 && share <= 1)) {
        throw new InvalidArgumentError(`shares.${variant}`, share, 'a number in 0..1');
      }
    }
    checkShares([...read.values()]);
    return this.#ask({ type: 'change_split', name, shares: read });
  }

  /**
   * Makes a variant the pool's policy (`runtime.policies` keeps it as a version like any other), and ends the experiment.
   *
   * @param variant default: the one that the always-valid test found better
   * @throws as `start`; `PITWALL_EXPERIMENT_REFUSED` where there is no winner yet and none is named
   */
  async promote(name: string, variant?: string, note: PolicyChangeNote = {}): Promise<ExperimentReport> {
    return this.#ask({ type: 'promote_variant', name, variant, ...readNote(note) });
  }

  /**
   * Back to before: the policy as it was before the promotion, or the end of an experiment that runs.
   * @throws as `start`; `PITWALL_EXPERIMENT_REFUSED` where the policy was changed again since: `runtime.policies.rollback` names any version
   */
  async rollback(name: string, note: PolicyChangeNote = {}): Promise<ExperimentReport> {
    return this.#ask({ type: 'roll_back_experiment', name, ...readNote(note) });
  }

  /**
   * The report for people: text, JSON, or one HTML page that fetches nothing.
   * @throws InvalidArgumentError for an experiment that is unknown
   */
  async report(name: string, format: 'text' | 'json' | 'html' = 'text'): Promise<string> {
    const report = await this.get(name);
    if (report === undefined) throw new InvalidArgumentError('name', name, 'the name of an experiment that is kept');
    switch (format) {
      case 'text':
        return experimentText(report);
      case 'json':
        return JSON.stringify(report, undefined, 2);
      case 'html':
        return experimentHtml(report);
      default:
        throw new InvalidArgumentError('format', format, "'text', 'json' or 'html'");
    }
  }

  /**
   * What another policy would have cost on the transfers that are stored, from the probabilities with which their lanes were taken. Takes no traffic.
   *
   * @param policy as a variant: `{ lane }`, `{ thresholdMb }` or `{ policy }` (over the pool's present one)
   * @throws InvalidArgumentError; ConfigError `PITWALL_INVALID_POLICY`; PitwallError `PITWALL_STORE_UNAVAILABLE`; CallError while the store is down
   */
  async offPolicy(
    pool: string,
    policy: Omit<VariantOptions, 'share'>,
    query: OffPolicyQuery = {},
  ): Promise<OffPolicyReport> {
    const { board, destinations, config } = this.#options;
    const slot = isName(pool) ? board.slot(pool) : undefined;
    if (slot === undefined) throw new InvalidArgumentError('pool', pool, 'the name of a pool that exists');
    const { last = 10_000 } = query ?? {};
    if (!Number.isSafeInteger(last) || last < 1 || last > MOST_ROWS) {
      throw new InvalidArgumentError('last', last, `a whole number in 1..${MOST_ROWS}`);
    }
    const records = recordsOf(
      await call(
        destinations.metricsStore,
        { type: 'records', query: { pool, limit: last, reverse: true } },
        { timeoutMs: READ_TIMEOUT_MS },
      ),
    );
    return offPolicyReport(records, slot, policy, config.random);
  }

  async #ask(message: StopExperiment | ChangeSplit | PromoteVariant | RollBackExperiment): Promise<ExperimentReport> {
    return reportOf(await call(this.#options.destinations.experimenter, message));
  }
}

function reportOf(outcome: ExperimentOutcome): ExperimentReport {
  switch (outcome.type) {
    case 'ok':
      return outcome.report;
    case 'refused':
      throw new PitwallError('PITWALL_EXPERIMENT_REFUSED', outcome.reason);
    case 'bad_policy':
      throw outcome.error;
    default:
      return outcome satisfies never;
  }
}

function recordsOf(outcome: ReadOutcome<readonly TransferRecord[]>): readonly TransferRecord[] {
  if (outcome.type === 'ok') return outcome.value;
  throw new PitwallError('PITWALL_STORE_UNAVAILABLE', `the store did not answer: ${describeReason(outcome.error)}`, {
    cause: outcome.error,
  });
}

const MOST_ROWS = 20_000;
const READ_TIMEOUT_MS = 30_000;
