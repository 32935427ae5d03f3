/** What rules need to know of a Markdown page. Fenced code is set apart: links in it are no links, headings in it no headings. */
import type { TextFile } from './rule.ts';

export interface CodeBlock {
  /** The words after the fence: `ts run` -> ['ts', 'run']. */
  readonly info: readonly string[];
  readonly line: number;
  readonly code: string;
}

export interface Link {
  readonly target: string;
  readonly line: number;
}

interface Parsed {
  readonly prose: readonly { line: number; text: string }[];
  readonly blocks: readonly CodeBlock[];
}

function parse(page: TextFile): Parsed {
  const prose: { line: number; text: string }[] = [];
  const blocks: CodeBlock[] = [];
  let open: { info: string[]; line: number; fence: string; code: string[] } | undefined;
  for (const [index, text] of page.text.split('\n').entries()) {
    const fence = /^\s*(```+|~~~+)\s*(.*)$/.exec(text);
    if (open === undefined && fence !== null) {
      open = { info: (fence[2] ?? '').split(/\s+/).filter(Boolean), line: index + 1, fence: fence[1] ?? '', code: [] };
    } else if (open !== undefined && fence !== null && fence[1] === open.fence && fence[2] === '') {
      blocks.push({ info: open.info, line: open.line, code: `${open.code.join('\n')}\n` });
      open = undefined;
    } else if (open !== undefined) {
      open.code.push(text);
    } else {
      prose.push({ line: index + 1, text });
    }
  }
  return { prose, blocks };
}

export function codeBlocks(page: TextFile): readonly CodeBlock[] {
  return parse(page).blocks;
}

export function links(page: TextFile): Link[] {
  return parse(page).prose.flatMap(({ line, text }) => {
    const bare = text.replaceAll(/`[^`]*`/g, (code) => ' '.repeat(code.length));
    const inline = [...bare.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
    const references = [...bare.matchAll(/^\s*\[[^\]]+\]:\s*(\S+)/g)];
    return [...inline, ...references].map((match) => ({ target: match[1] ?? '', line }));
  });
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchors(page: TextFile): Set<string> {
  const seen = new Map<string, number>();
  const found = new Set<string>();
  for (const { text } of parse(page).prose) {
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(text)?.[1];
    if (heading === undefined) continue;
    const slug = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-');
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    found.add(count === 0 ? slug : `${slug}-${count}`);
  }
  return found;
}

/** The rows of every table of a page, cells trimmed, without the header and its rule. */
export function tableRows(page: TextFile): { cells: string[]; line: number }[] {
  return parse(page)
    .prose.filter(({ text }) => /^\s*\|/.test(text))
    .map(({ text, line }) => ({
      line,
      cells: text
        .trim()
        .replace(/^\||\|$/g, '')
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    }))
    .filter(({ cells }, index, rows) => !isRuler(cells) && !isRuler(rows[index + 1]?.cells ?? []));
}

function isRuler(cells: readonly string[]): boolean {
  return cells.length > 0 && cells.every((cell) => /^:?-+:?$/.test(cell));
}
