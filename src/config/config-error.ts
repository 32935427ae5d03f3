import { PitwallError } from '../errors.ts';
import type { ConfigProblem } from './problems.ts';

/** Problems that the message spells out; `problems` has all. */
const SPELLED_OUT = 50;

/**
 * Configuration or a policy was refused, as a whole: nothing of it took effect. `code` is `PITWALL_INVALID_CONFIG` or
 * `PITWALL_INVALID_POLICY`; `problems` lists everything that is wrong with it, not just the first.
 */
export class ConfigError extends PitwallError {
  override readonly name: string = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(code: 'PITWALL_INVALID_CONFIG' | 'PITWALL_INVALID_POLICY', problems: readonly ConfigProblem[]) {
    super(code, describeProblems(code === 'PITWALL_INVALID_CONFIG' ? 'configuration' : 'policy', problems));
    this.problems = problems;
  }
}

function describeProblems(what: string, problems: readonly ConfigProblem[]): string {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const lines = problems.slice(0, SPELLED_OUT).map((problem) => `  ${problem.message}`);
  if (problems.length > SPELLED_OUT) lines.push(`  and ${problems.length - SPELLED_OUT} more`);
  return `invalid ${what}, ${count}:\n${lines.join('\n')}`;
}
