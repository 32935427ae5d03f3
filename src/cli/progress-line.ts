/** One line on standard error that shows how far a long job is: a bar, percent, rate and time left, where somebody watches. */
import { clip } from './text.ts';

export interface Progress {
  /** What has been handled, in the unit of `total`. */
  readonly done: number;
  /** Undefined where nobody knows. */
  readonly total: number | undefined;
  /** What the rate is of, in the plural: `records`. */
  readonly unit: string;
  /** How many of those. */
  readonly count: number;
}

const BAR_WIDTH = 24;
const REDRAW_MS = 100;
/** Rates of the first moments say nothing. */
const STEADY_MS = 500;
const ERASE_LINE = '\r\u001b[K';

/** The line, cut to the width of the screen. Never more than 100 %, whatever was counted meanwhile. */
export function progressText(progress: Progress, elapsedMs: number, columns: number): string {
  const { done, total, unit, count } = progress;
  const parts: string[] = [];
  const share = total === undefined || total <= 0 ? undefined : Math.min(1, done / total);
  if (share !== undefined) parts.push(bar(share), `${Math.floor(share * 100)} %`.padStart(5));
  parts.push(`${grouped(count)} ${unit}`);
  if (elapsedMs >= STEADY_MS) {
    parts.push(`${grouped((count * 1000) / elapsedMs)}/s`);
    if (share !== undefined && share > 0 && share < 1)
      parts.push(`${timeLeft((elapsedMs * (1 - share)) / share)} left`);
  }
  return clip(parts.join('  '), columns);
}

export class ProgressLine {
  readonly #output: NodeJS.WriteStream;
  readonly #startMs = performance.now();
  #drawnMs = Number.NEGATIVE_INFINITY;

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  /** Draws, at most ten times a second; nothing where output is no terminal. */
  show(progress: Progress): void {
    const nowMs = performance.now();
    if (!this.#output.isTTY || nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    this.#output.write(
      `${ERASE_LINE}${progressText(progress, nowMs - this.#startMs, (this.#output.columns || 80) - 1)}`,
    );
  }

  /** The last word, on a terminal in the place of the line. */
  end(text: string): void {
    const seconds = (performance.now() - this.#startMs) / 1000;
    this.#output.write(`${this.#output.isTTY ? ERASE_LINE : ''}${text}, ${seconds.toFixed(1)} s\n`);
  }
}

function bar(share: number): string {
  const full = Math.floor(share * BAR_WIDTH);
  return `[${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}]`;
}

/** Thousands apart by spaces: 1 234 567. */
export function grouped(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ' ');
}

function timeLeft(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
