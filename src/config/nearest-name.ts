/**
 * The known name that someone who wrote `name` most likely meant, or undefined where none is near: for "did you mean". Case, hyphens
 * and underscores do not count, so that `exploration_rate` finds `explorationRate`.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const wanted = normalize(name);
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const distance = editDistance(wanted, normalize(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  // A third of the letters may be wrong; beyond that a guess misleads more than it helps.
  return bestDistance <= Math.max(1, Math.floor(wanted.length / 3)) ? best : undefined;
}

/** Names longer than any known one are near to none: what is cut off cannot matter. */
function normalize(name: string): string {
  return name
    .slice(0, 64)
    .replaceAll(/[-_\s]/g, '')
    .toLowerCase();
}

/** Levenshtein distance, two rows (Wagner and Fischer, 1974). */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const replaced = (previous[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
