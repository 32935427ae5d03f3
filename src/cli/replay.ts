/** `pitwall replay FILE`: what pitwall would have done with recorded transfers, beside what anybody else would have; and a gate for pipelines. */
import { writeFile } from 'node:fs/promises';
import type { ReplayProgress } from '../learning/replay.ts';
import type { Rivals, SpanScore } from '../learning/replay-score.ts';
import { type ReplayReport, replayTrace } from '../replay-trace.ts';
import { type Command, defineCommand, EXIT } from './command.ts';
import { exitCodeOf, judge } from './judgement.ts';
import { lineChart } from './line-chart.ts';
import { type Objective, readObjectives } from './objective.ts';
import { formatUs } from './quantity.ts';
import { readChoice, readNumber } from './read-option.ts';
import { svgChart } from './svg-chart.ts';
import { table } from './text.ts';

const GOALS = ['balanced', 'minimize_latency', 'maximize_throughput', 'minimize_memory'] as const;
const STAGES = ['observe', 'confident', 'adaptive'] as const;

export const command: Command = defineCommand({
  positionals: ['FILE'],
  options: {
    goal: { type: 'string', value: 'GOAL', meaning: `${GOALS.join(', ')}; default balanced` },
    seed: { type: 'string', value: 'N', default: '1', meaning: 'decides every draw: equal seeds, equal results' },
    'minimum-threshold-mb': {
      type: 'string',
      value: 'MB',
      meaning: 'smaller payloads go by gRPC unasked, MiB; default 1',
    },
    stage: { type: 'string', value: 'STAGE', meaning: `how far a trained model may steer: ${STAGES.join(', ')}` },
    slo: {
      type: 'string',
      multiple: true,
      value: 'NAME=LIMIT',
      meaning: 'an objective for the chosen latencies, as in pitwall check',
    },
    regret: {
      type: 'string',
      value: 'LIMIT',
      meaning: 'most total time, as a multiple of the faster lane of each row',
    },
    slowdown: { type: 'string', value: 'LIMIT', meaning: 'most slowdown of a transfer, geometric mean' },
    svg: { type: 'string', value: 'FILE', meaning: 'writes the regret as it grew as an image' },
    json: { type: 'boolean', default: false, meaning: 'one JSON object, as the last line' },
  },
  notes: [
    'FILE holds transfers of which both lanes were measured, as JSON lines, plain or .gz: `pitwall bench --trace FILE` writes one.',
    'Only the lane that was chosen is revealed, when the transfer would have ended. Regret is total time over that of the faster lane of',
    'each row; slowdown the geometric mean of latency over that of the faster lane. Best static is the best size threshold in hindsight.',
    '',
    'Exit codes: 0; 1 where --slo, --regret or --slowdown does not hold; 2 for a wrong call or a file without usable rows.',
  ],
  examples: [
    ['pitwall replay trace.jsonl.gz', 'a table, and the regret as it grew'],
    ['pitwall replay trace.jsonl --goal maximize_throughput --regret 1.1 --slo p99=20ms', 'a gate'],
    ['pitwall replay trace.jsonl --minimum-threshold-mb 0.001 --stage adaptive --seed 7 --json', 'for a script'],
  ],
  async run(values, [file = '']) {
    const objectives = values.slo === undefined ? [] : readObjectives(values.slo);
    const limits = {
      regret: readNumber('--regret', values.regret, 1),
      slowdown: readNumber('--slowdown', values.slowdown, 1),
    };
    const steps: ReplayProgress[] = [];
    const report = await replayTrace(file, {
      seed: readNumber('--seed', values.seed, 0),
      goal: readChoice('--goal', values.goal, GOALS),
      stage: readChoice('--stage', values.stage, STAGES),
      minimumThresholdMb: readNumber('--minimum-threshold-mb', values['minimum-threshold-mb'], 0),
      onRow: (progress) => steps.push(progress),
    });
    for (const { line, problem } of report.skipped.slice(0, SHOWN_PROBLEMS)) console.error(`line ${line}: ${problem}`);
    if (report.skipped.length > 0) console.error(`${report.skipped.length} lines were passed over`);
    if (values.json) console.log(JSON.stringify(jsonOf(report)));
    else console.log(textOf(report, steps));
    if (values.svg !== undefined) await writeFile(values.svg, image(steps));
    return gate(report, objectives, limits);
  },
});

const SHOWN_PROBLEMS = 5;

function jsonOf({ skipped, ...report }: ReplayReport): object {
  return { ...report, skipped: skipped.length };
}

interface Limits {
  readonly regret: number | undefined;
  readonly slowdown: number | undefined;
}

function gate(report: ReplayReport, objectives: readonly Objective[], limits: Limits): number {
  const broken = (['regret', 'slowdown'] as const).flatMap((score) => {
    const limit = limits[score];
    const measured = report[score].pitwall;
    return limit !== undefined && measured > limit ? [`${score} ${measured.toFixed(4)} > ${limit}`] : [];
  });
  const judgements = objectives.map((objective) => judge(objective, statisticsOf(report), 1));
  for (const { objective, measured, verdict } of judgements) {
    if (verdict === 'violated' && measured)
      broken.push(`${objective.name} ${objective.format(measured.value)}, limit ${objective.text}`);
  }
  for (const what of broken) console.error(`does not hold: ${what}`);
  if (broken.length > 0) return EXIT.no;
  return judgements.length === 0 ? EXIT.ok : exitCodeOf(judgements);
}

/** The chosen lanes' latencies, as objectives read statistics. Every row is a success: a trace has no others. */
function statisticsOf({ rows, latencyUs, throughputMBps }: ReplayReport): Parameters<typeof judge>[1] {
  return {
    count: rows,
    success: rows,
    failed: 0,
    fallback: 0,
    quantities: {
      latencyUs: { count: rows, ...latencyUs },
      throughputMBps: { count: rows, mean: throughputMBps },
    },
    // Exact: every row was looked at.
    relativeAccuracy: 0,
  };
}

const RIVALS: readonly (readonly [keyof Rivals, string])[] = [
  ['pitwall', 'pitwall'],
  ['bestStatic', 'best static'],
  ['default10Mb', '10 MB threshold'],
  ['zeroCopy', 'zero-copy'],
  ['grpc', 'gRPC'],
];

function textOf(report: ReplayReport, steps: readonly ReplayProgress[]): string {
  const spans: readonly (readonly [string, SpanScore])[] = [
    ['whole', report],
    ['second half', report.secondHalf],
    ['last quarter', report.lastQuarter],
  ];
  const scores = spans.flatMap(([span, score]) =>
    (['regret', 'slowdown'] as const).map((name) => [
      `${name}, ${span}`,
      ...RIVALS.map(([rival]) => score[name][rival].toFixed(4)),
    ]),
  );
  const titles = [{ title: '', align: 'left' as const }, ...RIVALS.map(([, title]) => ({ title }))];
  return [
    `${report.rows} transfers in ${report.seconds.toFixed(1)} s`,
    '',
    ...table(titles, scores),
    '',
    ...figures(report),
    '',
    'regret as it grew',
    ...chart(steps),
  ].join('\n');
}

function figures(report: ReplayReport): string[] {
  const { latencyUs, prediction, coverage90, decisionUs, accuracy, materialAccuracy, explored, trainings } = report;
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return [
    `latency        mean ${formatUs(latencyUs.mean)}, p50 ${formatUs(latencyUs.p50)}, p95 ${formatUs(latencyUs.p95)}, p99 ${formatUs(latencyUs.p99)}`,
    `faster lane    in ${percent(accuracy)} of transfers, at most 5 % slower in ${percent(materialAccuracy)}`,
    `prediction     median error gRPC ${percent(prediction.grpc.medianError)}, zero-copy ${percent(prediction.zeroCopy.medianError)}; 90 % intervals held ${percent(coverage90)}`,
    `learning       ${explored} transfers explored, ${trainings} trainings`,
    `decision       p50 ${decisionUs.p50.toFixed(1)} us, p99 ${decisionUs.p99.toFixed(1)} us`,
  ];
}

function image(steps: readonly ReplayProgress[]): string {
  return svgChart(
    [
      { name: 'pitwall', colour: '#0a7', values: steps.map(({ pitwall }) => pitwall) },
      { name: 'zero-copy', colour: '#c60', values: steps.map(({ zeroCopy }) => zeroCopy) },
      { name: 'gRPC', colour: '#36c', values: steps.map(({ grpc }) => grpc) },
    ],
    {
      title: 'Total time so far, over that of the faster lane of each transfer',
      across: 'transfers',
      format: (value) => value.toFixed(2),
    },
  );
}

function chart(steps: readonly ReplayProgress[]): string[] {
  return lineChart(
    [
      { mark: 'g', name: 'gRPC', values: steps.map(({ grpc }) => grpc) },
      { mark: 'z', name: 'zero-copy', values: steps.map(({ zeroCopy }) => zeroCopy) },
      { mark: '*', name: 'pitwall', values: steps.map(({ pitwall }) => pitwall) },
    ],
    { width: 72, height: 12, format: (value) => value.toFixed(2) },
  );
}
