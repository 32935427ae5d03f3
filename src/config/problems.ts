import { describeValue } from '../errors.ts';

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** Where, e.g. `pools.ml.zeroCopyThresholdMb`. */
  readonly path: string;
  /** A sentence that begins with the path: `pools.ml.goal: expected one of …, got "fast"`. */
  readonly message: string;
}

export type Path = readonly (string | number)[];

/** Collects what is wrong, so that all of it can be told at once. */
export class Problems {
  readonly #list: ConfigProblem[] = [];

  get list(): readonly ConfigProblem[] {
    return this.#list;
  }

  add(path: Path, sentence: string): void {
    const place = renderPath(path);
    this.#list.push(Object.freeze({ path: place, message: `${place}: ${sentence}` }));
  }

  expected(path: Path, accepted: string, given: unknown): void {
    this.add(path, expected(accepted, given));
  }
}

/** `expected a number in 0..1, got "5MB"`: the one form in which a value is refused. */
export function expected(accepted: string, given: unknown): string {
  return `expected ${accepted}, got ${describeValue(given)}`;
}

const LONGEST_STEP = 64;

/** `pools.ml.goal`, `pools[1].name`, `pools["a b"].goal`; the root is called `options`. */
export function renderPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[\p{L}_$][\p{L}\p{N}_$-]{0,63}$/u.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step.length > LONGEST_STEP ? `${step.slice(0, LONGEST_STEP)}…` : step)}]`;
  }
  return text === '' ? 'options' : text;
}
