/** What gRPC's flow-control window is worth on this machine. */
import type { WindowFigures } from '../learning/machine-card.ts';
import { PlainGrpc } from '../transports/plain-grpc.ts';
import { type Probe, sampleInTurn, typical } from './sampling.ts';

const SIZES = [256 * 1024, 2 ** 20, 4 * 2 ** 20];

/**
 * @param part when it may begin to measure, and when it must have ended: asked for once the processes have started
 * @throws PitwallError `PITWALL_DOCTOR_FAILED` where gRPC does not start
 */
export async function measureWindows(
  part: () => readonly [budgetMs: number, deadlineMs: number],
): Promise<WindowFigures[]> {
  const grpc = new PlainGrpc();
  try {
    await grpc.ready();
    const { plain, wide } = await grpc.callers();
    const probes = SIZES.flatMap((bytes): Probe[] => {
      const payload = new Uint8Array(bytes).fill(1);
      return [
        { name: `plain ${bytes}`, run: () => plain(payload) },
        { name: `wide ${bytes}`, run: () => wide(payload) },
      ];
    });
    const { us } = await sampleInTurn(probes, ...part());
    return SIZES.flatMap((bytes) => {
      const [defaultUs, tunedUs] = [typical(us.get(`plain ${bytes}`)), typical(us.get(`wide ${bytes}`))];
      if (defaultUs === undefined || tunedUs === undefined) return [];
      return [{ bytes, defaultMBps: bytes / defaultUs, tunedMBps: bytes / tunedUs }];
    });
  } finally {
    await grpc.close();
  }
}
