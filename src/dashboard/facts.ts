/** A transfer explained: every figure of its decision, or of its record where the decision is no longer held, as names and values. */

import type { Decision } from '../decision/decision.ts';
import type { TransferRecord } from '../metrics/record.ts';
import type { Explanation, Fact } from './frames.ts';

const MAX_FACTS = 100;
const MAX_TEXT = 500;

export function explainDecision(decision: Decision): Explanation {
  const { transferId, rationale } = decision;
  const rest = Object.entries(decision.toJSON()).filter(([name]) => name !== 'rationale');
  return { transferId, source: 'decision', rationale, facts: factsOf(Object.fromEntries(rest)) };
}

export function explainRecord(record: TransferRecord): Explanation {
  const { method, reason, outcome } = record;
  const lane = method === 'zero_copy' ? 'zero-copy' : 'gRPC';
  return {
    transferId: record.transferId,
    source: 'record',
    rationale: `${lane} (${reason}), ${outcome}; the decision itself is no longer held, this is what was recorded`,
    facts: factsOf({ ...record }),
  };
}

/** Nested values as dotted names: `policy.version`. */
function factsOf(value: object): Fact[] {
  const facts: Fact[] = [];
  const add = (name: string, given: unknown): void => {
    if (given === undefined || given === null || facts.length >= MAX_FACTS) return;
    if (typeof given === 'object' && !Array.isArray(given)) {
      for (const [key, inner] of Object.entries(given)) add(name === '' ? key : `${name}.${key}`, inner);
    } else facts.push({ name, value: textOf(given) });
  };
  add('', value);
  return facts;
}

function textOf(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
  if (Array.isArray(value)) return value.map(textOf).join('..');
  return String(value).slice(0, MAX_TEXT);
}
