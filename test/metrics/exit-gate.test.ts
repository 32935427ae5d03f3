import { describe, expect, it } from 'vitest';
import { ExitGate } from '../../src/metrics/exit-gate.ts';

describe('the gate between a thread that writes and a process that exits', () => {
  it('lets transactions pass until the process exits, then none', () => {
    const thread = new ExitGate();
    const process = new ExitGate(thread.memory);
    expect(thread.pass(() => 'written')).toBe('written');
    process.shut(false);
    let ran = false;
    const late = () =>
      thread.pass(() => {
        ran = true;
      });
    expect(late).toThrow(expect.objectContaining({ code: 'PITWALL_STORE_CLOSED' }));
    expect(ran).toBe(false);
  });

  it('lets the process go although a transaction never ends', () => {
    const thread = new ExitGate();
    const process = new ExitGate(thread.memory);
    // Inside of its transaction, as far as the process can tell: it waits for most of a second, and goes.
    expect(
      thread.pass(() => {
        process.shut(true);
        return 'went';
      }),
    ).toBe('went');
  });
});
