/** Simulated experiments: transfers of many sizes whose latency scatters, by requests that draw for themselves or by sessions that stick. */
import { newSlots, SLOTS, slotOf } from '../../src/decision/experiment.ts';
import { seededRandom } from '../../src/learning/random.ts';
import { ClusterMoments, differenceOf } from '../../src/metrics/analysis/experiment/cluster-moments.ts';
import { alwaysValid, sampleRatio, sharesOfCells, welch } from '../../src/metrics/analysis/experiment/tests.ts';

export interface Simulation {
  readonly seed: number;
  /** Of both variants together. */
  readonly transfers: number;
  readonly lookEvery: number;
  /** Natural log of the treatment's latency over the control's. */
  readonly effect: number;
  /** Transfers of a session, on average; 0: each request draws for itself. */
  readonly sessionLength: number;
  /** Share of the treatment. Default 0.5. */
  readonly share?: number;
  /** Share of the treatment's transfers that get lost. Default 0. */
  readonly lost?: number;
  readonly alpha?: number;
}

export interface Run {
  /** Transfers at the first look at which the always-valid interval left 0 out; undefined: at none. */
  readonly claimedAt: number | undefined;
  /** The same for Welch's test at 5 % at every look, which is what it is not made for. */
  readonly naiveClaimedAt: number | undefined;
  /** Welch's at the end only. */
  readonly fixedClaimed: boolean;
  /** The interval left the true effect out at some look. */
  readonly missed: boolean;
  /** The sample-ratio check rang at some look. */
  readonly mismatch: boolean;
}

export function simulate(options: Simulation): Run {
  const { seed, transfers, lookEvery, effect, sessionLength, share = 0.5, lost = 0, alpha = 0.05 } = options;
  const random = seededRandom(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const slots = newSlots([1 - share, share]);
  const cells = sharesOfCells(slots, 2);
  const variants = [new ClusterMoments(), new ClusterMoments()] as const;
  const [control, treatment] = variants;
  let claimedAt: number | undefined;
  let naiveClaimedAt: number | undefined;
  let fixedClaimed = false;
  let missed = false;
  let mismatch = false;
  let session = { slot: 0, size: 0, speed: 0, left: 0 };
  for (let count = 1; count <= transfers; count += 1) {
    if (session.left <= 0) {
      // What a session sends is alike: half of the scatter of sizes and a part of that of latencies is between sessions.
      session = {
        slot: sessionLength > 0 ? slotOf(`${seed}-${count}`, seed) : Math.floor(random() * SLOTS),
        size: 1.4 * normal(),
        speed: sessionLength > 0 ? 0.15 * normal() : 0,
        left: sessionLength > 0 ? Math.ceil(-Math.log(1 - random()) * sessionLength) : 1,
      };
    }
    session.left -= 1;
    const size = 15 + session.size + (sessionLength > 0 ? 1.4 * normal() : 1.4 * normal());
    // Latency by size is no straight line in logarithms: there is a fixed part.
    const logLatency = Math.log(500 + 0.004 * Math.exp(size)) + session.speed + 0.35 * normal();
    const treated = slots[session.slot] === 1;
    if (!(treated && lost > 0 && random() < lost)) {
      (treated ? treatment : control).add(session.slot, logLatency + (treated ? effect : 0), size);
    }
    if (count % lookEvery !== 0) continue;
    const difference = differenceOf(treatment, control);
    const { low, high } = alwaysValid(difference, alpha);
    if (low > 0 || high < 0) claimedAt ??= count;
    if (low > effect || high < effect) missed = true;
    const { pValue } = welch(difference, alpha);
    if (pValue < 0.05) naiveClaimedAt ??= count;
    fixedClaimed = pValue < 0.05;
    mismatch ||=
      sampleRatio(variants.map(({ counts }, index) => ({ counts, shareOfCell: cells[index] ?? new Float64Array(0) }))) <
      1e-4;
  }
  return { claimedAt, naiveClaimedAt, fixedClaimed, missed, mismatch };
}
