/** Finds a Python that can run workers. */
import { execFile } from 'node:child_process';
import { describeValue, PitwallError } from '../errors.ts';

/** Stands for the Python in a command. */
export const PYTHON = '{python}';

export interface PythonNeed {
  readonly command: readonly string[];
  /** The one that the host chose; undefined: whichever will do. */
  readonly python: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/** Debian's, which finds what Debian installs, before what a version manager may have put in front of it. */
const CANDIDATES = ['/usr/bin/python3', 'python3'];
const TIMEOUT_MS = 20_000;
/** Finds the modules without loading them: 30 ms, not 500. */
const QUESTION = `
import importlib.util, json, sys
missing = [name for name in ("numpy", "grpc") if importlib.util.find_spec(name) is None]
print(json.dumps({"version": sys.version_info[:2], "missing": missing}))
`;

/** The command with a Python in it that has what workers need. @throws PitwallError `PITWALL_PYTHON_MISSING` with what is wrong with each */
export async function withPython({ command, python, env }: PythonNeed): Promise<readonly string[]> {
  if (!command.includes(PYTHON)) return command;
  const problems: string[] = [];
  for (const candidate of python === undefined ? CANDIDATES : [python]) {
    const problem = await problemWith(candidate, env);
    if (problem === undefined) return command.map((part) => (part === PYTHON ? candidate : part));
    problems.push(`${candidate}: ${problem}`);
  }
  throw new PitwallError(
    'PITWALL_PYTHON_MISSING',
    `no Python for workers (3.10 or newer, with numpy and grpcio): ${problems.join('; ')}. Install them (Debian: python3-numpy, python3-grpcio), or name another Python with the option python or PITWALL_PYTHON`,
  );
}

/** Why a Python cannot run workers; undefined where it can. */
function problemWith(python: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(python, ['-c', QUESTION], { env, timeout: TIMEOUT_MS, windowsHide: true }, (error, stdout, stderr) => {
      if (error) resolve(stderr.trim().split('\n').at(-1) || error.message);
      else resolve(problemIn(stdout));
    });
  });
}

function problemIn(answer: string): string | undefined {
  let found: { readonly version?: unknown; readonly missing?: unknown };
  try {
    found = JSON.parse(answer);
  } catch {
    return `answers ${describeValue(answer)}`;
  }
  const [major, minor] = Array.isArray(found.version) ? found.version.map(Number) : [];
  if (major !== 3 || minor === undefined || minor < 10) return `is version ${major}.${minor}`;
  const missing = Array.isArray(found.missing) ? found.missing.map(String) : [];
  return missing.length === 0 ? undefined : `no module ${missing.join(', no module ')}`;
}
