/** What a subcommand is: the options it takes, the help that tells of them, and the strict reading of its arguments. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError, unknownName } from './usage-error.ts';

/** The exit codes of every command. */
export const EXIT = {
  ok: 0,
  /** The answer is no, or something failed while the command ran. */
  no: 1,
  /** The call cannot be answered: a mistake in it, or nothing there to answer from. */
  usage: 2,
} as const;

type NodeOption = NonNullable<ParseArgsConfig['options']>[string];

export interface OptionSpec extends NodeOption {
  /** What stands for the value in the help, such as `DIR`. */
  readonly value?: string;
  readonly meaning: string;
}
export interface OptionSpecs {
  readonly [name: string]: OptionSpec;
}

type ValuesOf<O extends OptionSpecs> = ReturnType<typeof parseArgs<{ options: O }>>['values'];

export interface CommandSpec<O extends OptionSpecs> extends CommandText {
  readonly options: O;
  readonly run: (values: ValuesOf<O>, positionals: readonly string[]) => Promise<number>;
}

export interface CommandText {
  /** Names of what stands before or between options; all are needed. */
  readonly positionals?: readonly string[];
  /** More about it, in lines. */
  readonly notes?: readonly string[];
  readonly examples: readonly (readonly [call: string, what: string])[];
  readonly options: OptionSpecs;
}

/** How a command stands in the list of commands. */
export interface CommandTitle {
  readonly name: string;
  /** One line. */
  readonly summary: string;
}

export interface Command {
  readonly help: (title: CommandTitle) => string;
  /** Names of its options, with dashes. */
  readonly options: readonly string[];
  /** Resolves with the exit code. Rejects with UsageError or InvalidArgumentError for a mistake in the call. */
  readonly run: (args: readonly string[]) => Promise<number>;
}

export function defineCommand<const O extends OptionSpecs>(spec: CommandSpec<O>): Command {
  return {
    help: (title) => helpOf(title, spec),
    options: optionNames(spec),
    run: async (args) => {
      checkArguments(spec, args);
      const { values, positionals } = parseArgs({ args: [...args], options: spec.options, allowPositionals: true });
      return spec.run(values, positionals);
    },
  };
}

/** A command that reads its arguments itself. */
export function describeCommand(text: CommandText, run: Command['run']): Command {
  return { help: (title) => helpOf(title, text), options: optionNames(text), run };
}

function optionNames({ options }: CommandText): string[] {
  return Object.keys(options).map((name) => `--${name}`);
}

/** Says in one sentence what is wrong with a call; Node's own reader stops at the first oddity and explains its syntax instead. */
function checkArguments(spec: CommandText, args: readonly string[]): void {
  const { tokens } = parseArgs({ args: [...args], options: spec.options, strict: false, tokens: true });
  const given = new Set<string>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(spec.options, token.name) ? spec.options[token.name] : undefined;
    if (option === undefined) throw unknownName('option', token.rawName, optionNames(spec));
    checkValue(token.rawName, option, token.value, token.inlineValue === true);
    if (given.has(token.name) && option.multiple !== true) throw new UsageError(`${token.rawName}: is given twice`);
    given.add(token.name);
  }
  checkPositionals(spec.positionals ?? [], positionals);
}

function checkValue(name: string, option: OptionSpec, value: string | undefined, inline: boolean): void {
  if (option.type === 'boolean') {
    if (value !== undefined) throw new UsageError(`${name}: takes no value`);
    return;
  }
  const missing = value === undefined || value === '' || (!inline && value.startsWith('-'));
  if (missing) throw new UsageError(`${name}: needs a value: ${name} ${option.value ?? 'VALUE'}`);
}

function checkPositionals(wanted: readonly string[], given: readonly string[]): void {
  const missing = wanted[given.length];
  if (missing !== undefined) throw new UsageError(`${missing} is missing`);
  const extra = given[wanted.length];
  if (extra !== undefined) throw new UsageError(`${JSON.stringify(extra)}: not expected here`);
}

function helpOf({ name, summary }: CommandTitle, spec: CommandText): string {
  const call = ['pitwall', name, ...(spec.positionals ?? []), '[OPTIONS]'].join(' ');
  const options = Object.entries(spec.options).map(
    ([name, option]) => [`--${name}${option.type === 'string' ? ` ${option.value}` : ''}`, meaningOf(option)] as const,
  );
  const width = Math.max(...options.map(([name]) => name.length)) + 2;
  return [
    `pitwall ${name}: ${summary}`,
    '',
    `  ${call}`,
    '',
    ...options.map(([name, meaning]) => `  ${name.padEnd(width)}${meaning}`),
    ...(spec.notes === undefined ? [] : ['', ...spec.notes]),
    '',
    'Examples:',
    ...spec.examples.flatMap(([example, what]) => [`  ${example}`, `      ${what}`]),
  ].join('\n');
}

function meaningOf({ meaning, default: fallback, multiple }: OptionSpec): string {
  const more = [
    ...(typeof fallback === 'string' ? [`default ${fallback}`] : []),
    ...(multiple === true ? ['may be given several times'] : []),
  ];
  return more.length === 0 ? meaning : `${meaning} (${more.join('; ')})`;
}
