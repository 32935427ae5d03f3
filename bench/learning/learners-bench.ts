/**
 * The two learners beside each other: trained on the first 80 % of what a live pool would have seen (one lane a transfer, 5 % explored), judged on the last 20 %, where
 * the trace knows both lanes. Arguments: TRACE_DIRECTORY [SEEDS].
 */
import type { HeldOutRow } from '../../src/learning/held-out.ts';
import { laneBy } from '../../src/learning/live-evidence.ts';
import { passThrough } from '../../src/learning/pass-through.ts';
import { type ReplayChoice, type ReplayChooser, type ReplayRequest, replay } from '../../src/learning/replay.ts';
import { scoreSpan } from '../../src/learning/replay-score.ts';
import { confirms, LEARNER_KINDS, openSecondLayer, type SecondLayer } from '../../src/learning/second-layer.ts';
import type { TraceRow } from '../../src/learning/trace.ts';
import { type TrainedLayer, trainModel } from '../../src/learning/train-model.ts';
import type { Lane, Observation } from '../../src/learning/types.ts';
import { CostModelChooser } from './cost-model-chooser.ts';
import { allTraces } from './traces.ts';

const [directory = '.', seeds = '2'] = process.argv.slice(2);
const HELD_OUT = 0.2;
const MINIMUM_ROWS = 400;

type Statistic = 'median' | 'mean';

interface Seen {
  readonly observation: Observation;
  readonly row: TraceRow;
}

/** What a pool sees of a trace: the transfers in the order in which they ended, each with the row that it came from. */
class Recorder implements ReplayChooser {
  readonly pools = new Map<string, Seen[]>();
  readonly #chooser: CostModelChooser;
  readonly #rows: readonly TraceRow[];
  #next = 0;

  constructor(statistic: Statistic, rows: readonly TraceRow[]) {
    this.#chooser = new CostModelChooser(statistic);
    this.#rows = rows;
  }

  choose(request: ReplayRequest, random: () => number): ReplayChoice {
    const transferId = String(this.#next);
    this.#next += 1;
    return { ...this.#chooser.choose(request, random), transferId };
  }

  learn(pool: string, observation: Observation, choice: ReplayChoice): void {
    this.#chooser.learn(pool, observation);
    const row = this.#rows[Number(choice.transferId)];
    const seen = this.pools.get(pool) ?? [];
    if (row !== undefined) seen.push({ observation, row });
    this.pools.set(pool, seen);
  }
}

type Rule = (held: HeldOutRow, statistic: Statistic) => Lane;

const costModel: Rule = ({ comparison }, statistic) =>
  comparison === undefined ? 'grpc' : laneBy(comparison, statistic);

/** By the corrected latencies alone. */
function byLatency(layer: SecondLayer): Rule {
  return (held, statistic) => {
    const { observation, comparison, recent } = held;
    if (comparison === undefined) return 'grpc';
    const { grpc, zeroCopy, logRatio } = comparison;
    const ratio = statistic === 'mean' ? Math.log(grpc.meanLatencyUs / zeroCopy.meanLatencyUs) : logRatio;
    const change = layer.correction('grpc', observation, recent) - layer.correction('zero_copy', observation, recent);
    return ratio + change > 0 ? 'zero_copy' : 'grpc';
  };
}

/** By the word on the method alone. */
function byMethod(layer: SecondLayer): Rule {
  return ({ observation, recent }) =>
    (layer.zeroCopyProbability?.(observation, recent) ?? 0) > 0.5 ? 'zero_copy' : 'grpc';
}

/** As it serves: the latencies turn the order where the method agrees. */
function asServed(layer: SecondLayer): Rule {
  const latency = byLatency(layer);
  return (held, statistic) => {
    const before = costModel(held, statistic);
    const after = latency(held, statistic);
    return after === before || confirms(layer, after, held.observation, held.recent) ? after : before;
  };
}

interface Tally {
  readonly lanes: Map<string, Lane[]>;
  readonly rows: TraceRow[];
  readonly errors: Map<string, number[]>;
  readonly cpuMs: Map<string, number[]>;
  served: number;
  network: number;
}

function trainPool(seen: readonly Seen[], statistic: Statistic, tally: Tally): void {
  const observations = seen.map(({ observation }) => observation);
  const from = Math.floor(observations.length * (1 - HELD_OUT));
  const held = passThrough(observations, from, new Set(), undefined).heldOut;
  const layers = new Map<string, Rule>([['cost model', costModel]]);
  const options = { statistic, minimumRows: MINIMUM_ROWS, heldOutShare: HELD_OUT };
  for (const learner of LEARNER_KINDS) {
    const before = process.cpuUsage();
    const { buffer, report }: TrainedLayer = trainModel(observations, { ...options, learners: [learner] });
    const { user, system } = process.cpuUsage(before);
    push(tally.cpuMs, learner, (user + system) / 1000);
    push(tally.errors, 'cost model', report.heldOut.medianError.costModel);
    push(tally.errors, learner, report.heldOut.medianError.withModel);
    const layer = openSecondLayer(learner, buffer);
    layers.set(learner, asServed(layer));
    if (layer.zeroCopyProbability === undefined) continue;
    layers.set('network, latencies alone', byLatency(layer));
    layers.set('network, method alone', byMethod(layer));
  }
  const { learner } = trainModel(observations, { ...options, learners: LEARNER_KINDS });
  const better = layers.get(learner);
  if (better !== undefined) layers.set('the better one', better);
  tally.served += 1;
  if (learner === 'neural_network') tally.network += 1;
  for (const { row } of seen.slice(from)) tally.rows.push(row);
  for (const [name, rule] of layers) for (const each of held) push(tally.lanes, name, rule(each, statistic));
}

function push<T>(lists: Map<string, T[]>, name: string, value: T): void {
  const list = lists.get(name) ?? [];
  list.push(value);
  lists.set(name, list);
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

console.log('| trace | goal | who | against the faster lane | median error | training, processor ms |');
console.log('|---|---|---|---|---|---|');
for (const [statistic, score] of [
  ['median', 'slowdown'],
  ['mean', 'regret'],
] as const) {
  const logs = new Map<string, number[]>();
  let network = 0;
  let trainings = 0;
  for (const [name, rows] of allTraces(directory)) {
    if (name.includes('>') || name.includes(' x ')) continue;
    const found = new Map<string, number[]>();
    const tally: Tally = { lanes: new Map(), rows: [], errors: new Map(), cpuMs: new Map(), served: 0, network: 0 };
    for (let seed = 1; seed <= Number(seeds); seed += 1) {
      tally.lanes.clear();
      tally.rows.length = 0;
      const recorder = new Recorder(statistic, rows);
      await replay(rows, recorder, { seed });
      for (const seen of recorder.pools.values()) {
        if (seen.length >= MINIMUM_ROWS) trainPool(seen, statistic, tally);
      }
      for (const [who, lanes] of tally.lanes) push(found, who, scoreSpan(tally.rows, lanes)[score].pitwall);
    }
    network += tally.network;
    trainings += tally.served;
    for (const [who, scores] of found) {
      push(logs, who, mean(scores.map(Math.log)));
      const errors = tally.errors.get(who);
      const cpu = tally.cpuMs.get(who);
      console.log(
        `| ${name} | ${score} | ${who} | ${mean(scores).toFixed(4)} | ${errors ? mean(errors).toFixed(3) : ''} | ${cpu ? mean(cpu).toFixed(0) : ''} |`,
      );
    }
  }
  for (const [who, values] of logs)
    console.log(`| all | ${score} | ${who} | ${Math.exp(mean(values)).toFixed(4)} | | |`);
  console.log(`${score}: the network was the better one in ${network} of ${trainings} trainings`);
}
