/** The threshold that would have served best. Pure. */
import type { Case } from './cases.ts';

/**
 * The size from which zero-copy should be taken so that the total of the cases' expected costs is least: smaller ones go gRPC. Half-way (by their
 * logarithms) between the two sizes that it parts; half the smallest where everything should go zero-copy, twice the largest where nothing should.
 */
export function bestThreshold(cases: readonly Case[]): number {
  const sorted = [...cases].sort((a, b) => a.observation.dataSize - b.observation.dataSize);
  // Everything zero-copy, to begin with; each step sends one more by gRPC.
  let total = 0;
  let least = 0;
  let at = 0;
  for (const [index, { grpcUs, zeroCopyUs, observation }] of sorted.entries()) {
    total += grpcUs - zeroCopyUs;
    // A threshold cannot part payloads of one size.
    const parts = sorted[index + 1]?.observation.dataSize !== observation.dataSize;
    if (!parts || total >= least) continue;
    least = total;
    at = index + 1;
  }
  const below = sorted[at - 1]?.observation.dataSize;
  const above = sorted[at]?.observation.dataSize;
  if (below === undefined) return Math.max(1, (above ?? 2) / 2);
  if (above === undefined) return 2 * below;
  return Math.sqrt(Math.max(1, below) * above);
}
