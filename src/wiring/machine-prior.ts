/** What fresh pools believe of this machine: from its card, where the data directory has one. */
import { machineFingerprint } from '../actors/machine-fingerprint.ts';
import type { Logger } from '../config/types.ts';
import { describeValue } from '../errors.ts';
import { priorFromCard } from '../learning/card-prior.ts';
import type { CostModelOptions } from '../learning/cost-model.ts';
import { checkedCard, fingerprintText, isSameMachine } from '../learning/machine-card.ts';
import type { MetricsStore } from '../metrics/store-types.ts';

export class MachinePrior {
  readonly #logger: Logger;
  #costModel: CostModelOptions = {};
  #told = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Of a pool that has learned nothing yet; what was learned wins over it. */
  get costModel(): CostModelOptions {
    return this.#costModel;
  }

  /** Looks for the card each time that the store is opened. Never throws: without a card, the constants serve. */
  read(store: MetricsStore): void {
    const machine = machineFingerprint();
    const own = fingerprintText(machine);
    try {
      const stored = store.get('machines', own);
      if (stored !== undefined) {
        const card = checkedCard(stored);
        if (!isSameMachine(card.machine, machine)) throw new Error('it is the card of another machine');
        this.#costModel = { prior: priorFromCard(card) };
        this.#tell(
          'info',
          `pools that have learned nothing start from the machine card of ${dateOf(card.measuredAtMs)}`,
        );
        return;
      }
      const [other] = store.entries('machines');
      if (other === undefined) return;
      const note = `the machine card is of another machine (${other[0]}), and this one is ${own}: it is not used`;
      this.#tell('info', `${note}. Run: pitwall doctor`);
    } catch (error) {
      const why = error instanceof Error ? error.message : describeValue(error);
      this.#tell('warn', `the machine card is refused: ${why}. Run: pitwall doctor`);
    }
  }

  /** Once: a store that comes and goes is no news of the machine. */
  #tell(level: 'info' | 'warn', message: string): void {
    if (this.#told) return;
    this.#told = true;
    this.#logger[level](message);
  }
}

function dateOf(ms: number): string {
  return Number.isNaN(new Date(ms).getTime()) ? 'an unknown day' : new Date(ms).toISOString().slice(0, 10);
}
