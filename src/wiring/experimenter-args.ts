/** What the experimenter is given, and how the policy of a variant is made. */
import type { Destinations } from '../actors/destinations.ts';
import type { BuildPolicy } from '../actors/experimenter-publish.ts';
import type { ExperimenterArgs } from '../actors/experimenter-state.ts';
import type { ReadOutcome } from '../actors/metrics-store.ts';
import { POOL_STATE } from '../actors/names.ts';
import type { Timeline } from '../actors/timeline.ts';
import { parsePolicyPatch } from '../config/parse.ts';
import type { Logger } from '../config/types.ts';
import { toPolicySnapshot } from '../hot-path/policy-snapshot.ts';
import { guardRule } from '../hot-path/rule-guard.ts';
import type { JsonValue } from '../learning/types.ts';
import { call, cast, describeReason } from '../otp/index.ts';
import type { SnapshotBoard } from '../snapshots.ts';
import type { Notices } from './notices.ts';

export interface ExperimenterWiring {
  readonly board: SnapshotBoard;
  readonly destinations: Destinations;
  readonly notices: Notices;
  readonly timeline: Timeline;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

export function experimenterArgs(wiring: ExperimenterWiring): ExperimenterArgs {
  const { board, destinations, notices, timeline, logger, nowMs } = wiring;
  const { metricsStore: store, controller } = destinations;
  const kind = POOL_STATE.experiment;
  return {
    board,
    nowMs,
    storage: {
      restore: async () => entriesOf(await call(store, { type: 'entries', kind })),
      persist: (key, value) => void cast(store, { type: 'put', kind, key, value }),
      remove: (key) => void cast(store, { type: 'remove', kind, key }),
    },
    patches: new Map(),
    buildPolicy: policyBuilder(notices),
    updatePolicy: (pool, patch, note) => call(controller, { type: 'update_policy', pool, patch, ...note }),
    rollBackPolicy: (pool, version, note) =>
      call(controller, { type: 'roll_back_policy', pool, version, rules: 'as_then', ...note }),
    onEvent: (pool, line) => {
      timeline.add('experiment', line, pool);
      logger.info(`pool ${pool}: ${line}`);
    },
    raise: (alert) => notices.raise(alert),
    onRefusedState: (name, reason) =>
      logger.warn(
        `the experiment "${name}" that is stored cannot be read and is left alone: ${describeReason(reason)}`,
      ),
  };
}

function entriesOf(
  outcome: ReadOutcome<readonly (readonly [key: string, value: JsonValue])[]>,
): readonly (readonly [key: string, value: JsonValue])[] {
  if (outcome.type === 'failed') throw outcome.error;
  return outcome.value;
}

/** The pool's rules keep their guards; those of the variant get their own. */
function policyBuilder(notices: Notices): BuildPolicy {
  return (slot, variant, patch) => (config) => {
    const own = parsePolicyPatch(patch, config);
    const rules =
      own.customRules === config.customRules
        ? slot.policy.rules
        : own.customRules.map((rule) =>
            guardRule(
              rule,
              () => performance.now(),
              ({ problem, detail }) =>
                notices.raise({
                  key: `custom_rule_disabled:${slot.pool}:${variant}:${rule.name}`,
                  kind: 'custom_rule_disabled',
                  severity: 'warning',
                  pool: slot.pool,
                  message: `pool ${slot.pool}: custom rule "${rule.name}" of the variant "${variant}" ${problem} (${detail}) and is disabled. The experiment compares without it: stop it, and start another with the rule mended.`,
                }),
            ),
          );
    return {
      policy: toPolicySnapshot(own, slot.policy.version, rules),
      limits: own.limits,
      rolloutStage: own.rolloutStage,
    };
  };
}
