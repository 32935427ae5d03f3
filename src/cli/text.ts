/** Text for a terminal: names made harmless, widths as they are seen, columns that line up. */

/** Names come from hosts, and may hold anything: no control character of theirs reaches a terminal, which would obey it. */
export function printable(name: string): string {
  return name.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
}

/** Columns that a text takes: none for marks that combine, two for East Asian wide characters and emoji. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += widthOfCharacter(character);
  return width;
}

const COMBINING = /^\p{M}$/u;
// Blocks of wide characters (Unicode Standard Annex 11), and what is drawn as a picture.
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]$|^\p{Emoji_Presentation}$/u;

function widthOfCharacter(character: string): number {
  if (character <= '~') return 1;
  if (COMBINING.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** Cut to a width, with an ellipsis where something is lost. */
export function clip(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const character of text) {
    const next = widthOfCharacter(character);
    if (used + next > width - 1) break;
    kept += character;
    used += next;
  }
  return width < 1 ? '' : `${kept}…`;
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - widthOf(text))) + text;
}

export interface Column {
  readonly title: string;
  /** Default `right`, for figures. */
  readonly align?: 'left' | 'right';
}

/** Adds colour to a padded cell; row -1 is the titles. */
export type Paint = (text: string, row: number, column: number) => string;

/** Lines of a table, its titles first. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], paint?: Paint): string[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(widthOf(title), ...rows.map((row) => widthOf(row[index] ?? ''))),
  );
  const line = (cells: readonly string[], row: number): string =>
    columns
      .map(({ align }, index) => {
        const padded = (align === 'left' ? padEnd : padStart)(cells[index] ?? '', widths[index] ?? 0);
        return paint === undefined ? padded : paint(padded, row, index);
      })
      .join('  ')
      .trimEnd();
  return [
    line(
      columns.map(({ title }) => title),
      -1,
    ),
    ...rows.map(line),
  ];
}

const BARS = '▁▂▃▄▅▆▇█';

/** Heights from 0 to the greatest value; a gap where there is no value. At most `width` columns: neighbours are averaged. */
export function sparkline(values: readonly (number | undefined)[], width: number): string {
  const shown = averaged(values, width);
  const top = Math.max(...shown.map((value) => value ?? 0));
  return shown
    .map((value) => {
      if (value === undefined) return ' ';
      // What is not nothing is told from nothing.
      const height = top > 0 ? Math.ceil((value / top) * (BARS.length - 1)) : 0;
      return BARS[height] ?? ' ';
    })
    .join('');
}

function averaged(values: readonly (number | undefined)[], width: number): (number | undefined)[] {
  if (values.length <= width) return [...values];
  return Array.from({ length: Math.max(0, width) }, (_, column) => {
    const from = Math.floor((column * values.length) / width);
    const to = Math.floor(((column + 1) * values.length) / width);
    const known = values.slice(from, to).filter((value) => value !== undefined);
    return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
  });
}
