/**
 * Step 2: what an operator fixed: custom rules by priority, threshold overrides; where both speak, the first of `policy.conflictOrder` decides.
 *
 * A rule that throws, or answers neither with a lane nor with undefined, does not end the flow: the next one is asked, and the decision names the
 * rule in `ruleFailure`. Timing a rule takes a clock, and so is left to whoever wraps `decide`; here there is none.
 */
import { describeValue } from '../errors.ts';
import type { Flow, PolicyVerdict } from './flow.ts';
import { ruleContext } from './rule-context.ts';
import type { Method, PolicyRule, PolicySnapshot, RuleContext, RuleFailure, TransferRequest } from './types.ts';

/** Whether step 2 has anything to do, so that most decisions skip it whole. */
export function hasPolicyStep(policy: PolicySnapshot, request: TransferRequest): boolean {
  return (
    policy.rules.length > 0 || (policy.thresholdOverrides.size > 0 && policy.thresholdOverrides.has(request.dataType))
  );
}

/** The first verdict in the configured order; undefined where neither rules nor overrides speak. Notes failed rules in the flow. */
export function applyPolicy(flow: Flow): PolicyVerdict | undefined {
  const { policy } = flow.snapshot;
  for (const party of policy.conflictOrder) {
    const verdict = party === 'custom_rules' ? askRules(policy.rules, flow) : askOverrides(policy, flow.request);
    if (verdict !== undefined) return verdict;
  }
  return undefined;
}

function askRules(rules: readonly PolicyRule[], flow: Flow): PolicyVerdict | undefined {
  if (rules.length === 0) return undefined;
  const context = ruleContext(flow);
  for (const rule of rules) {
    const answer = ask(rule, context);
    if (answer === 'grpc' || answer === 'zero_copy') return { method: answer, reason: 'custom_rule', by: rule.name };
    if (answer !== undefined) flow.ruleFailure ??= answer;
  }
  return undefined;
}

/** A rule is a host's code: what its type promises is checked. */
function ask(rule: PolicyRule, context: RuleContext): Method | RuleFailure | undefined {
  try {
    const answer: unknown = rule.decide(context);
    if (answer === undefined || answer === 'grpc' || answer === 'zero_copy') return answer;
    const detail = `returned ${describeValue(answer).slice(0, LONGEST_DETAIL)} instead of "zero_copy", "grpc" or undefined`;
    return { rule: rule.name, problem: 'bad_result', detail };
  } catch (error) {
    return { rule: rule.name, problem: 'threw', detail: messageOf(error) };
  }
}

function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}`.slice(0, LONGEST_DETAIL) : describeValue(error);
  } catch {
    return 'an error that cannot be shown';
  }
}

const LONGEST_DETAIL = 256;

function askOverrides(policy: PolicySnapshot, request: TransferRequest): PolicyVerdict | undefined {
  const threshold = policy.thresholdOverrides.get(request.dataType);
  if (threshold === undefined) return undefined;
  const method = request.dataSize >= threshold ? 'zero_copy' : 'grpc';
  return { method, reason: 'threshold_override', by: request.dataType };
}
