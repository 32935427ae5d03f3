/**
 * A screen of its own on a terminal: drawn over and over without flicker, and given back as it was, however the process ends. Where
 * output is no terminal, nothing but text is written.
 */
import type { ReadStream, WriteStream } from 'node:tty';

const ALTERNATE_SCREEN = '\u001b[?1049h';
const NORMAL_SCREEN = '\u001b[?1049l';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
/** A line longer than the screen is cut rather than wrapped: sizes change between measuring and drawing. */
const NO_WRAP = '\u001b[?7l';
const WRAP = '\u001b[?7h';
const PLAIN = '\u001b[0m';
const HOME = '\u001b[H';
const ERASE_TO_END_OF_LINE = '\u001b[K';
const ERASE_BELOW = '\u001b[J';

export type Key = 'quit' | 'next' | 'left' | 'right' | 'reverse';

const KEYS: ReadonlyMap<string, Key> = new Map([
  ['q', 'quit'],
  ['Q', 'quit'],
  ['\u0003', 'quit'],
  ['\u0004', 'quit'],
  ['p', 'next'],
  ['\t', 'next'],
  ['r', 'reverse'],
  ['\u001b[C', 'right'],
  ['\u001bOC', 'right'],
  ['\u001b[D', 'left'],
  ['\u001bOD', 'left'],
]);

export class Terminal {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #onKey: (key: Key) => void;
  readonly #onResize: () => void;
  #entered = false;

  constructor(input: ReadStream, output: WriteStream, on: { key: (key: Key) => void; resize: () => void }) {
    this.#input = input;
    this.#output = output;
    this.#onKey = on.key;
    this.#onResize = on.resize;
  }

  /** Whether keys can be read. */
  get hasKeys(): boolean {
    return this.#input.isTTY === true;
  }

  get size(): { readonly columns: number; readonly rows: number } {
    // A terminal that nobody gave a size says 0.
    return { columns: this.#output.columns || 80, rows: this.#output.rows || 24 };
  }

  enter(): void {
    this.#entered = true;
    process.once('exit', this.leave);
    this.#output.write(`${ALTERNATE_SCREEN}${HIDE_CURSOR}${NO_WRAP}`);
    this.#output.on('resize', this.#onResize);
    if (!this.hasKeys) return;
    this.#input.setRawMode(true);
    this.#input.setEncoding('utf8');
    this.#input.on('data', this.#read);
    this.#input.resume();
  }

  draw(lines: readonly string[]): void {
    const text = lines.map((line) => `${line}${ERASE_TO_END_OF_LINE}`).join('\r\n');
    this.#output.write(`${HOME}${text}${ERASE_BELOW}`);
  }

  /** Gives the terminal back. Idempotent; also when the process exits for another reason. */
  readonly leave = (): void => {
    if (!this.#entered) return;
    this.#entered = false;
    process.off('exit', this.leave);
    this.#output.off('resize', this.#onResize);
    this.#output.write(`${PLAIN}${WRAP}${SHOW_CURSOR}${NORMAL_SCREEN}`);
    if (!this.hasKeys) return;
    this.#input.off('data', this.#read);
    this.#input.setRawMode(false);
    this.#input.pause();
  };

  readonly #read = (text: string): void => {
    // Several keys may come at once where the machine is busy: sequences first, then single characters.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: keys are sent as control characters
    for (const [sequence] of text.matchAll(/\u001b[[O][A-Z]|./gs)) {
      const key = KEYS.get(sequence);
      if (key !== undefined) this.#onKey(key);
    }
  };
}
