/** A chart of lines in text. */

export interface Line {
  /** One character. Later lines are drawn over earlier ones. */
  readonly mark: string;
  readonly name: string;
  readonly values: readonly number[];
}

export interface LineChartOptions {
  /** Columns and rows of the area within the axes. */
  readonly width: number;
  readonly height: number;
  readonly format: (value: number) => string;
}

/** Lines of text, the highest value first, with a legend; the upper bound leaves out what only the first tenth reaches. */
export function lineChart(lines: readonly Line[], { width, height, format }: LineChartOptions): string[] {
  const columns = lines.map(({ values }) => sampled(values, width));
  const settled = columns.flatMap((values) => values.slice(Math.floor(values.length / 10)));
  const low = Math.min(...settled);
  const high = Math.max(...settled, low + Number.EPSILON);
  const grid = Array.from({ length: height }, () => new Array<string>(width).fill(' '));
  for (const [index, values] of columns.entries()) {
    for (const [column, value] of values.entries()) {
      const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
      const row = grid[height - 1 - Math.round(share * (height - 1))];
      if (row) row[column] = lines[index]?.mark ?? '?';
    }
  }
  const labels = grid.map((_, row) => format(high - ((high - low) * row) / (height - 1)));
  const margin = Math.max(...labels.map((label) => label.length));
  return [
    ...grid.map((row, index) => `${(labels[index] ?? '').padStart(margin)} |${row.join('').trimEnd()}`),
    `${' '.repeat(margin)} +${'-'.repeat(width)}`,
    `${' '.repeat(margin)}  ${lines.map(({ mark, name }) => `${mark} ${name}`).join('   ')}`,
  ];
}

function sampled(values: readonly number[], width: number): number[] {
  if (values.length === 0) return [];
  return Array.from(
    { length: Math.min(width, values.length) },
    (_, column, count = Math.min(width, values.length)) =>
      values[Math.floor(((column + 1) * values.length) / count) - 1] ?? 0,
  );
}
