/** Where a program of the package lies, from wherever this module runs: the package's folder, or a bundle of the host's (ESM or CommonJS). */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PitwallError } from '../errors.ts';

/**
 * @param folder of the program within the package's code, such as `workers`
 * @throws PitwallError with `code`, naming where the program was looked for
 */
export function installedProgram(folder: string, program: string, code: string): string {
  const here = ownFolder();
  const tried: string[] = [];
  if (here !== undefined) {
    // In the package, folders of code stand side by side.
    const beside = path.join(here, '..', folder, program);
    if (existsSync(beside)) return beside;
    tried.push(beside);
  }
  // Inside a bundle the package itself still stands in node_modules: its native dependencies cannot be bundled either.
  for (const start of [here, process.cwd()]) {
    if (start === undefined) continue;
    try {
      const manifest = createRequire(path.join(start, 'resolve.js')).resolve('pitwall/package.json');
      const installed = path.join(path.dirname(manifest), 'dist', folder, program);
      if (existsSync(installed)) return installed;
      tried.push(installed);
    } catch {
      tried.push(`pitwall, from ${start}`);
    }
  }
  throw new PitwallError(code, `the program ${program} was not found; looked for ${tried.join(', ')}`);
}

/** A bundle in CommonJS has no `import.meta.url`. */
function ownFolder(): string | undefined {
  const url: string | undefined = import.meta.url;
  if (url !== undefined) return path.dirname(fileURLToPath(url));
  return typeof __dirname === 'string' ? __dirname : undefined;
}
