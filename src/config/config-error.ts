import { PitwallError } from '../errors.ts';
import type { ConfigProblem } from './problems.ts';

/** Problems that the message spells out; `problems` has all. */
const SPELLED_OUT = 50;

const REFUSED = {
  PITWALL_INVALID_CONFIG: 'configuration',
  PITWALL_INVALID_POLICY: 'policy',
  PITWALL_INVALID_SCENARIO: 'scenario',
} as const;

/**
 * Configuration, a policy or a benchmark's scenario was refused, as a whole: nothing of it took effect. `code` is `PITWALL_INVALID_CONFIG`,
 * `PITWALL_INVALID_POLICY` or `PITWALL_INVALID_SCENARIO`; `problems` lists everything that is wrong with it, not just the first.
 */
export class ConfigError extends PitwallError {
  override readonly name: string = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(code: keyof typeof REFUSED, problems: readonly ConfigProblem[]) {
    super(code, describeProblems(REFUSED[code], problems));
    this.problems = problems;
  }
}

function describeProblems(what: string, problems: readonly ConfigProblem[]): string {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const lines = problems.slice(0, SPELLED_OUT).map((problem) => `  ${problem.message}`);
  if (problems.length > SPELLED_OUT) lines.push(`  and ${problems.length - SPELLED_OUT} more`);
  return `invalid ${what}, ${count}:\n${lines.join('\n')}`;
}
