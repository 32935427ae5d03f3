/** Puts a machine's card where `startRuntime` finds it. */
import { PitwallError } from '../errors.ts';
import { cardJson, fingerprintText, type MachineCard } from '../learning/machine-card.ts';
import { openStore } from '../metrics/store.ts';

/** Ten years, the longest there is: what the host wants to keep is not ours to clean up. */
const FOR_EVER_HOURS = 87_600;

/**
 * Stores a card in a data directory, which is made where there is none; a host that runs on it goes on.
 * @throws PitwallError of the store, `PITWALL_DOCTOR_FAILED` where nothing can be kept there
 */
export async function storeCard(dataDir: string, card: MachineCard): Promise<void> {
  const store = await openStore({
    dataDir,
    now: () => Date.now() * 1000,
    retentionHours: FOR_EVER_HOURS,
    onWarning: () => undefined,
  });
  try {
    const { kind, reason } = store.status;
    if (kind !== 'durable') {
      throw new PitwallError('PITWALL_DOCTOR_FAILED', `the machine card cannot be stored in ${dataDir}: ${reason}`);
    }
    await store.put('machines', fingerprintText(card.machine), cardJson(card));
    await store.flush();
  } finally {
    await store.close();
  }
}
