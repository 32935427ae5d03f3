import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';
import { createStderrLogger } from '../../src/config/stderr-logger.ts';

describe('the default logger', () => {
  it('writes warnings and errors, one line each, and nothing else', () => {
    const lines: string[] = [];
    const logger = createStderrLogger({ write: (line) => lines.push(line) });
    logger.debug('d');
    logger.info('i');
    logger.warn('store is slow', { pool: 'ml', waited: 12n, cause: new Error('full') });
    logger.error('gone');
    expect(lines).toEqual([
      'pitwall warning: store is slow pool="ml" waited=12 cause="full"\n',
      'pitwall error: gone\n',
    ]);
  });

  it('holds back what is too much, and says how much that was', () => {
    const lines: string[] = [];
    let time = 0;
    const logger = createStderrLogger({ write: (line) => lines.push(line), now: () => time, linesPerMinute: 2 });
    for (let index = 0; index < 5; index += 1) logger.warn(`w${index}`);
    time = 60_000;
    logger.warn('later');
    expect(lines).toEqual([
      'pitwall warning: w0\n',
      'pitwall warning: w1\n',
      'pitwall: 3 lines held back in the last minute\n',
      'pitwall warning: later\n',
    ]);
  });

  it('survives attributes that cannot be shown', () => {
    const lines: string[] = [];
    const logger = createStderrLogger({ write: (line) => lines.push(line) });
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    logger.warn('w', circle);
    expect(lines).toEqual(['pitwall warning: w (attributes cannot be shown)\n']);
  });
});

describe("the host's logger", () => {
  it('keeps its this and gets message and attributes', () => {
    class Recorder {
      readonly lines: unknown[][] = [];
      #push(...line: unknown[]) {
        this.lines.push(line);
      }
      debug(...line: unknown[]) {
        this.#push('debug', ...line);
      }
      info = this.debug;
      warn(...line: unknown[]) {
        this.#push('warn', ...line);
      }
      error = this.debug;
    }
    const recorder = new Recorder();
    const { logger } = parseConfig({ logger: recorder });
    logger.warn('one');
    logger.debug('two', { pool: 'ml' });
    expect(recorder.lines).toEqual([
      ['warn', 'one'],
      ['debug', 'two', { pool: 'ml' }],
    ]);
  });

  it('may throw or reject without harm', async () => {
    const failing = (): never => {
      throw new Error('disk full');
    };
    const rejecting = () => Promise.reject(new Error('disk full'));
    const { logger } = parseConfig({ logger: { debug: failing, info: failing, warn: failing, error: rejecting } });
    logger.warn('w');
    logger.error('e');
    // The suite runs with --unhandled-rejections=strict: a rejection left alone would end it here.
    await new Promise((resolve) => setImmediate(resolve));
  });

  it('may be none at all', () => {
    expect(() => parseConfig({ logger: false }).logger.error('e')).not.toThrow();
  });
});
