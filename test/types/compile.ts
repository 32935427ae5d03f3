/** Compiles files as a strict user of pitwall would, in memory, and says what the compiler said. */
import { dirname, resolve } from 'node:path';
import ts from 'typescript';

/** Diagnostics by file, each as `line: TS1234 message`. */
export function diagnose(paths: readonly string[]): Map<string, string[]> {
  const config = ts.readConfigFile('tsconfig.json', (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, dirname(resolve('tsconfig.json')));
  const program = ts.createProgram({ rootNames: [...paths], options });
  const found = new Map<string, string[]>(paths.map((path) => [path, []]));
  for (const each of ts.getPreEmitDiagnostics(program)) {
    const file =
      each.file === undefined ? undefined : paths.find((path) => resolve(path) === resolve(each.file?.fileName ?? ''));
    if (each.file === undefined || file === undefined) continue;
    const line = each.file.getLineAndCharacterOfPosition(each.start ?? 0).line + 1;
    found.get(file)?.push(`${line}: TS${each.code} ${ts.flattenDiagnosticMessageText(each.messageText, ' ')}`);
  }
  return found;
}
