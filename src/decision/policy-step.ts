/** Step 2: what an operator fixed: custom rules by priority, threshold overrides; where both speak, the configured order decides. */
import type { Method, PolicySnapshot, RuleContext, TransferRequest } from './types.ts';

export interface PolicyVerdict {
  readonly method: Method;
  readonly reason: 'custom_rule' | 'threshold_override';
  /** The rule's name, or the override's data type. */
  readonly by: string;
}

/** What a rule of a host may know; made only where there are rules. */
export type RuleContextSource = () => RuleContext;

/** The first verdict in the configured order; undefined where neither rules nor overrides speak. */
export function applyPolicy(
  policy: PolicySnapshot,
  request: TransferRequest,
  contextOf: RuleContextSource,
): PolicyVerdict | undefined {
  for (const party of policy.conflictOrder) {
    const verdict = party === 'custom_rules' ? askRules(policy, contextOf) : askOverrides(policy, request);
    if (verdict !== undefined) return verdict;
  }
  return undefined;
}

function askRules(policy: PolicySnapshot, contextOf: RuleContextSource): PolicyVerdict | undefined {
  if (policy.rules.length === 0) return undefined;
  const context = contextOf();
  for (const rule of policy.rules) {
    let method: Method | undefined;
    try {
      method = rule.decide(context);
    } catch {
      continue; // The runtime's guard disables such a rule; without a guard it is passed over.
    }
    if (method !== undefined) return { method, reason: 'custom_rule', by: rule.name };
  }
  return undefined;
}

function askOverrides(policy: PolicySnapshot, request: TransferRequest): PolicyVerdict | undefined {
  const threshold = policy.thresholdOverrides.get(request.dataType);
  if (threshold === undefined) return undefined;
  const method = request.dataSize >= threshold ? 'zero_copy' : 'grpc';
  return { method, reason: 'threshold_override', by: request.dataType };
}

/** Whether step 2 has anything to do, so that most decisions skip it whole. */
export function hasPolicyStep(policy: PolicySnapshot, request: TransferRequest): boolean {
  return (
    policy.rules.length > 0 || (policy.thresholdOverrides.size > 0 && policy.thresholdOverrides.has(request.dataType))
  );
}
