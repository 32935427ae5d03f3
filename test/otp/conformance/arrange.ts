import type { Json } from './json.ts';
import { compareInstances, type Instance, nameOf, type Seen } from './supervisor-log.ts';

/** Takes the order of what ran in parallel out of the events of a step, as the description of traces says. */
export function arrange(seen: readonly Seen[]): { events: Json[]; orphans: Json[] } {
  const killed = new Set(
    seen.filter(({ kind, detail }) => kind === 'down' && detail === 'killed').map((s) => s.instance),
  );
  const isOrphan = (event: Seen): boolean =>
    event.kind !== 'start' && ancestors(event.instance).some((instance) => killed.has(instance));
  const orphans = seen
    .filter(isOrphan)
    .toSorted((a, b) => compareInstances(a.instance, b.instance) || rank(a) - rank(b));
  const events = sortParallel(
    seen.filter((event) => !isOrphan(event)),
    0,
  );
  return { events: events.map(written), orphans: orphans.map(written) };
}

function written({ kind, instance, detail }: Seen): Json {
  return [kind, nameOf(instance), detail];
}

function rank({ kind }: Seen): number {
  return kind === 'terminate' ? 0 : 1;
}

/** From the root down to the parent. */
function ancestors(instance: Instance): Instance[] {
  return instance.parent === undefined ? [] : [...ancestors(instance.parent), instance.parent];
}

/** Sorts each longest run of events below the same pool by branch; then the same within each branch, `above` ancestors further down. */
function sortParallel(events: readonly Seen[], above: number): Seen[] {
  const sorted: Seen[] = [];
  for (let from = 0; from < events.length; ) {
    const first = events[from];
    if (first === undefined) break;
    const place = poolAndBranch(first, above);
    let to = from + 1;
    if (place === undefined) sorted.push(first);
    else {
      while (to < events.length && poolAndBranch(events[to], above)?.pool === place.pool) to += 1;
      sorted.push(...byBranch(events.slice(from, to), above));
    }
    from = to;
  }
  return sorted;
}

function byBranch(run: readonly Seen[], above: number): Seen[] {
  const branches = new Map<Instance, Seen[]>();
  let depth = above;
  for (const event of run) {
    const place = poolAndBranch(event, above);
    if (place === undefined) continue;
    depth = place.depth;
    branches.set(place.branch, [...(branches.get(place.branch) ?? []), event]);
  }
  const inOrder = [...branches].toSorted(([a], [b]) => compareInstances(a, b));
  return inOrder.flatMap(([, events]) => sortParallel(events, depth + 1));
}

/** The outermost pool above an event's instance, from `above` on, and the child of it that the instance is, or is below. */
function poolAndBranch(
  event: Seen | undefined,
  above: number,
): { pool: Instance; branch: Instance; depth: number } | undefined {
  if (event === undefined || event.kind === 'start') return undefined;
  const line = [...ancestors(event.instance), event.instance];
  for (let depth = above; depth < line.length - 1; depth += 1) {
    const [pool, branch] = [line[depth], line[depth + 1]];
    if (pool?.kind === 'simple_one_for_one' && branch !== undefined) return { pool, branch, depth };
  }
  return undefined;
}
