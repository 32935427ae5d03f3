/** What another configuration would change. */
import { type ConfigChange, diffConfigs } from '../config/diff.ts';
import { checkConfig } from '../config/parse.ts';
import type { ConfigProblem } from '../config/problems.ts';
import type { RuntimeConfig } from '../config/types.ts';
import type { SnapshotBoard } from '../snapshots.ts';

/** Every problem of a configuration, or what it would change. */
export type ConfigDiff =
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] }
  | { readonly ok: true; readonly changes: readonly ConfigChange[] };

export function diffConfig(options: unknown, config: RuntimeConfig, board: SnapshotBoard): ConfigDiff {
  const checked = checkConfig(options);
  if (!checked.ok) return { ok: false, problems: checked.problems };
  const inForce = new Map([...board.slots()].map((slot) => [slot.pool, slot.config]));
  return { ok: true, changes: diffConfigs(config, checked.config, inForce) };
}
