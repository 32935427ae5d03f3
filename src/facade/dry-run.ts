/** What would a policy have done? Reads stored records and decides them again, in slices: the host goes on meanwhile. */
import { diffPolicies } from '../config/diff.ts';
import { parsePolicyPatch } from '../config/parse.ts';
import { policyForm } from '../config/policy-form.ts';
import type { PoolConfig } from '../config/types.ts';
import { candidateSnapshot } from '../decision/candidate.ts';
import type { PolicySnapshot } from '../decision/types.ts';
import { InvalidArgumentError } from '../errors.ts';
import { toPolicySnapshot } from '../hot-path/policy-snapshot.ts';
import { guardRule, type RuleProblem } from '../hot-path/rule-guard.ts';
import { seededRandom } from '../learning/random.ts';
import { DryRun } from '../metrics/analysis/dry-run/dry-run.ts';
import { dryRunReport } from '../metrics/analysis/dry-run/report.ts';
import type { DryRunReport } from '../metrics/analysis/dry-run/types.ts';
import type { TransferRecord } from '../metrics/record.ts';
import type { PoolSlot } from '../snapshots.ts';

export interface DryRunOptions {
  /** The latest records of the pool that are decided again, 1..20 000. Default 10 000. */
  readonly last?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export const DEFAULT_LAST = 10_000;
export const MOST_RECORDS = 20_000;

/** @throws InvalidArgumentError */
export function readLast(last: unknown = DEFAULT_LAST): number {
  if (typeof last === 'number' && Number.isInteger(last) && last >= 1 && last <= MOST_RECORDS) return last;
  throw new InvalidArgumentError('last', last, `an integer in 1..${MOST_RECORDS}`);
}

/**
 * @param records in order of time
 * @param disabled custom rules of the pool that are not asked any more
 * @throws ConfigError `PITWALL_INVALID_POLICY`; the signal's reason
 */
export async function dryRunPolicy(
  slot: PoolSlot,
  patch: unknown,
  records: readonly TransferRecord[],
  disabled: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<DryRunReport> {
  const config = parsePolicyPatch(patch, slot.config);
  // Rules that are set anew start with a clean slate.
  const stillDisabled = config.customRules === slot.config.customRules ? disabled : new Set<string>();
  const problems: RuleProblem[] = [];
  const policy = guardedPolicy(config, slot.policy.version + 1, stillDisabled, (problem) => problems.push(problem));
  const current = guardedPolicy(slot.config, slot.policy.version, disabled, () => undefined);
  const run = new DryRun({
    current: { ...slot, policy: current },
    candidate: candidateSnapshot(slot, slot.config, config, policy),
    changes: diffPolicies(policyForm(slot.config, disabled), policyForm(config, stillDisabled)),
  });
  const turn = new Turns(signal);
  for (const record of records) {
    run.add(record);
    await turn.end();
  }
  const steps = dryRunReport(run, {
    pool: slot.pool,
    version: slot.policy.version,
    ruleProblems: problems,
    random: seededRandom(SEED),
  });
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await turn.end();
  }
}

/** Equal records give equal intervals. */
const SEED = 1;

function guardedPolicy(
  config: PoolConfig,
  version: number,
  disabled: ReadonlySet<string>,
  onProblem: (problem: RuleProblem) => void,
): PolicySnapshot {
  const rules = config.customRules
    .filter(({ name }) => !disabled.has(name))
    .map((rule) => guardRule(rule, () => performance.now(), onProblem));
  return toPolicySnapshot(config, version, rules);
}

/** Milliseconds between two turns of the event loop. */
const SLICE_MS = 3;

class Turns {
  readonly #signal: AbortSignal | undefined;
  #endMs = performance.now() + SLICE_MS;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** Lets the event loop run where this turn was long enough. */
  async end(): Promise<void> {
    if (performance.now() < this.#endMs) return;
    this.#signal?.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
    this.#endMs = performance.now() + SLICE_MS;
  }
}
