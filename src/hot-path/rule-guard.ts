/**
 * Custom rules run inside a decision, so each is watched: one that throws is disabled at once, one that is slow after `strikes` slow calls
 * (a single slow call may be a garbage collection). What the rule itself returned still counts for the decision at hand.
 */
import type { CompiledRule } from '../config/types.ts';
import type { PolicyRule } from '../decision/types.ts';

export interface RuleBudget {
  /** Microseconds that a call may take. Default 200. */
  readonly callUs: number;
  /** Slow calls until the rule is disabled. Default 3. */
  readonly strikes: number;
  /** Calls in time, one after the other, after which earlier slow ones are forgotten: a collection now and then is not the rule's fault. Default 1 000. */
  readonly forgivenAfter: number;
}

export const DEFAULT_RULE_BUDGET: RuleBudget = { callUs: 200, strikes: 3, forgivenAfter: 1_000 };

/** Why a rule was disabled. */
export interface RuleProblem {
  readonly rule: string;
  readonly problem: 'threw' | 'slow' | 'bad_result';
  readonly detail: string;
}

/**
 * Wraps a rule. `elapsedMs` is a monotonic clock in milliseconds; `onProblem` is told once per rule, from inside the decision, so it must
 * only note it down.
 */
export function guardRule(
  rule: CompiledRule,
  elapsedMs: () => number,
  onProblem: (problem: RuleProblem) => void,
  budget: RuleBudget = DEFAULT_RULE_BUDGET,
): PolicyRule {
  let disabled = false;
  let slowCalls = 0;
  let callsInTime = 0;
  const disable = (problem: RuleProblem['problem'], detail: string): void => {
    if (disabled) return;
    disabled = true;
    onProblem({ rule: rule.name, problem, detail });
  };
  return {
    name: rule.name,
    priority: rule.priority,
    decide(context) {
      if (disabled) return undefined;
      const startedMs = elapsedMs();
      let method: unknown;
      try {
        method = rule.decide(context);
      } catch (error) {
        disable(
          'threw',
          error instanceof Error ? `${error.name}: ${error.message}` : 'threw something that is no Error',
        );
        return undefined;
      }
      const tookUs = (elapsedMs() - startedMs) * 1000;
      if (tookUs > budget.callUs) {
        slowCalls += 1;
        callsInTime = 0;
        if (slowCalls >= budget.strikes) {
          disable('slow', `took ${tookUs.toFixed(0)} us, ${slowCalls} calls over ${budget.callUs} us`);
        }
      } else if (slowCalls > 0) {
        callsInTime += 1;
        if (callsInTime >= budget.forgivenAfter) slowCalls = 0;
      }
      if (method === undefined || method === 'zero_copy' || method === 'grpc') return method;
      // An async rule: nobody else would hear of its rejection, and that would end the host.
      if (method instanceof Promise) method.catch(() => undefined);
      disable('bad_result', 'returned something other than "zero_copy", "grpc" or undefined');
      return undefined;
    },
  };
}
