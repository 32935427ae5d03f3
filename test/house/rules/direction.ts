/** Imports point one way, from what is specific to what is general, and never in a circle. */
import { posix } from 'node:path';
import type { Rule, TextFile } from '../rule.ts';
import { importsOf, isRelative, targetOf } from '../syntax.ts';

/**
 * The folders and single files of src/, top first. A file may import from its own row and from rows below it. `otp` is the exception:
 * it could be lifted out, and knows `errors` alone.
 */
const tiers: readonly (readonly string[])[] = [
  ['index', 'cli'],
  ['doctor'],
  ['runtime', 'replay-trace'],
  ['facade', 'wiring'],
  ['dashboard'],
  ['supervisors'],
  ['actors'],
  ['transports', 'hot-path'],
  ['metrics', 'workers', 'telemetry', 'otp'],
  ['snapshots'],
  ['decision', 'learning'],
  ['config', 'errors'],
];
const mayImport: Readonly<Record<string, readonly string[]>> = { otp: ['otp', 'errors'], errors: [] };

/** `src/decision/decide.ts` -> `decision`, `src/runtime.ts` -> `runtime`. */
export function unitOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\.ts$/, '');
}

function tierOf(unit: string): number {
  return tiers.findIndex((tier) => tier.includes(unit));
}

export const importDirection: Rule = {
  name: 'imports point one way',
  check(files) {
    const findings: string[] = [];
    for (const file of files) {
      const unit = unitOf(file.path);
      if (tierOf(unit) < 0) findings.push(`${file.path}:1 ${unit} has no place in the order of imports: see tiers`);
      for (const { specifier, line } of importsOf(file).filter((each) => isRelative(each.specifier))) {
        const target = unitOf(targetOf(file.path, specifier));
        const only = mayImport[unit];
        const allowed = only ? only.includes(target) : tierOf(target) >= tierOf(unit);
        if (!allowed) findings.push(`${file.path}:${line} ${unit} must not import ${target} (${specifier})`);
      }
    }
    return findings;
  },
  canaries: [
    {
      tree: { 'src/decision/a.ts': "import {\n  b,\n} from '../actors/b.ts';" },
      rings: /decision must not import actors/,
    },
    {
      tree: { 'src/learning/a.ts': "import type { B } from '../snapshots.ts';" },
      rings: /learning must not import snapshots/,
    },
    { tree: { 'src/otp/a.ts': "import { b } from '../config/b.ts';" }, rings: /otp must not import config/ },
    { tree: { 'src/workers/a.ts': "await import('../actors/b.ts');" }, rings: /workers must not import actors/ },
    {
      tree: { 'src/metrics/a.ts': "export * from '../transports/b.ts';" },
      rings: /metrics must not import transports/,
    },
    { tree: { 'src/utils/a.ts': '' }, rings: /utils has no place/ },
  ],
  calm: {
    'src/actors/a.ts':
      "import { b } from '../otp/b.ts';\nimport type { C } from '../decision/c.ts';\n// import '../cli/main.ts'",
    'src/otp/a.ts': "import { PitwallError } from '../errors.ts';",
  },
};

export const noCircles: Rule = {
  name: 'no circles, between files or between folders',
  check(files) {
    return [
      ...circles(edges(files, (path) => path)).map((circle) => `files in a circle: ${circle.join(' -> ')}`),
      ...circles(edges(files, unitOf)).map((circle) => `folders in a circle: ${circle.join(' -> ')}`),
    ];
  },
  canaries: [
    {
      tree: {
        'src/config/a.ts': "import './b.ts';",
        'src/config/b.ts': "import './c.ts';",
        'src/config/c.ts': "export * from './a.ts';",
      },
      rings: /files in a circle: .*a\.ts -> .*b\.ts -> .*c\.ts -> .*a\.ts/,
    },
    {
      tree: { 'src/metrics/a.ts': "import '../workers/b.ts';", 'src/workers/c.ts': "import '../metrics/d.ts';" },
      rings: /folders in a circle: metrics -> workers -> metrics/,
    },
  ],
  calm: {
    'src/config/a.ts': "import './b.ts';\nimport './c.ts';",
    'src/config/b.ts': "import './c.ts';",
    'src/config/c.ts': '',
  },
};

/**
 * Who imports whom. Imports of types count: they tie two files as firmly for the reader. Naming a worker's file in a URL does not: a
 * thread is another program.
 */
function edges(files: readonly TextFile[], nameOf: (path: string) => string): Map<string, Set<string>> {
  const graph = new Map<string, Set<string>>();
  for (const file of files) {
    const from = nameOf(file.path);
    const targets = graph.get(from) ?? new Set();
    graph.set(from, targets);
    for (const { specifier, kind } of importsOf(file)) {
      if (!isRelative(specifier) || kind === 'url') continue;
      const target = nameOf(posix.normalize(targetOf(file.path, specifier)));
      if (target !== from) targets.add(target);
    }
  }
  return graph;
}

/** One circle for each edge that closes one, by depth-first search. */
function circles(graph: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const walk = (node: string): void => {
    const start = path.indexOf(node);
    if (start >= 0) found.push([...path.slice(start), node]);
    if (start >= 0 || done.has(node)) return;
    path.push(node);
    for (const next of graph.get(node) ?? []) walk(next);
    path.pop();
    done.add(node);
  };
  for (const node of graph.keys()) walk(node);
  return found;
}
