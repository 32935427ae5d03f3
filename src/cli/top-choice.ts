/** What someone chose with the keys of `pitwall top`: the pool whose lanes are shown, and the order. */
import type { Key } from './terminal.ts';
import { TOP_COLUMNS } from './top-columns.ts';
import type { TopFrame } from './top-frame.ts';

export class TopChoice {
  #chosen: string | undefined;
  #sortColumn = 0;
  #reversed = false;

  state({ pools }: TopFrame) {
    const known = pools.some(({ pool }) => pool === this.#chosen);
    return {
      chosen: known ? this.#chosen : pools[0]?.pool,
      sortColumn: this.#sortColumn,
      reversed: this.#reversed,
    };
  }

  heed(key: Exclude<Key, 'quit'>, frame: TopFrame | undefined): void {
    const pools = frame?.pools ?? [];
    const count = TOP_COLUMNS.length;
    switch (key) {
      case 'next': {
        const at = Math.max(
          0,
          pools.findIndex(({ pool }) => pool === this.#chosen),
        );
        this.#chosen = pools[(at + 1) % Math.max(1, pools.length)]?.pool;
        break;
      }
      case 'left':
        this.#sortColumn = (this.#sortColumn + count - 1) % count;
        break;
      case 'right':
        this.#sortColumn = (this.#sortColumn + 1) % count;
        break;
      case 'reverse':
        this.#reversed = !this.#reversed;
        break;
      default:
        key satisfies never;
    }
  }
}
