import { processOf } from './client.ts';
import type { ChildView } from './engine.ts';
import type { ProcessRef, ProcessStatus } from './message.ts';

/** A process and what is below it, as it is now. */
export interface ProcessTree {
  /** The child's id, or the name of the top. */
  readonly id: string;
  readonly name: string;
  readonly type: 'worker' | 'supervisor';
  /** `restarting`: between two tries to start it. `undefined` as process, `stopped`: it has a spec but no process. */
  readonly status: ProcessStatus | 'restarting' | 'stopped';
  /** How often it was restarted for its own sake since its supervisor started. */
  readonly restarts: number;
  readonly mailboxLength: number;
  readonly children: readonly ProcessTree[];
}

/** The live tree below a process, read at once, without a message: it works while supervisors are busy too. */
export function inspect(ref: ProcessRef): ProcessTree {
  const { showChildren, name } = processOf(ref);
  return treeOf({ id: name, type: showChildren === undefined ? 'worker' : 'supervisor', process: ref, restarts: 0 });
}

function treeOf({ id, type, process, restarts }: ChildView): ProcessTree {
  if (process === undefined || process === 'restarting') {
    return { id, name: id, type, status: process ?? 'stopped', restarts, mailboxLength: 0, children: [] };
  }
  const { name, status, mailboxLength } = process;
  const children = (processOf(process).showChildren?.() ?? []).map(treeOf);
  return { id, name, type, status, restarts, mailboxLength, children };
}

/**
 * The tree as text.
 *
 * ```
 * pitwall            supervisor  waiting
 * ├── storage        supervisor  waiting
 * │   └── recorder   worker      running   mailbox 12   restarts 1
 * └── controller     worker      waiting
 * ```
 */
export function formatTree(tree: ProcessTree): string {
  const lines = linesOf(tree, '', '');
  const width = Math.max(...lines.map(([label]) => label.length));
  return lines.map(([label, about]) => `${label.padEnd(width + 2)}${about}`.trimEnd()).join('\n');
}

function linesOf(tree: ProcessTree, first: string, rest: string): [string, string][] {
  const lines: [string, string][] = [[first + tree.id, about(tree)]];
  tree.children.forEach((child, index) => {
    const last = index === tree.children.length - 1;
    lines.push(...linesOf(child, `${rest}${last ? '└── ' : '├── '}`, `${rest}${last ? '    ' : '│   '}`));
  });
  return lines;
}

function about({ type, status, mailboxLength, restarts }: ProcessTree): string {
  const mailbox = mailboxLength > 0 ? `  mailbox ${mailboxLength}` : '';
  const restarted = restarts > 0 ? `  restarts ${restarts}` : '';
  return `${type.padEnd(10)}  ${status.padEnd(10)}${mailbox}${restarted}`;
}

/** The tree as a Mermaid flowchart. */
export function mermaidTree(tree: ProcessTree): string {
  const lines = ['flowchart TD'];
  let last = 0;
  const add = (node: ProcessTree): string => {
    last += 1;
    const key = `p${last}`;
    const text = `${escapeMermaid(node.id)}<br/>${node.status}${node.restarts > 0 ? `, restarts ${node.restarts}` : ''}`;
    lines.push(node.type === 'supervisor' ? `  ${key}["${text}"]` : `  ${key}("${text}")`);
    for (const child of node.children) lines.push(`  ${key} --> ${add(child)}`);
    return key;
  };
  add(tree);
  return lines.join('\n');
}

function escapeMermaid(text: string): string {
  return text.replace(/[^\w .:@/-]/g, (character) => `#${character.codePointAt(0) ?? 63};`);
}
