/**
 * Draws both lanes by size into docs/: measures as `npm run bench -- transports` does, while nothing else runs.
 * `npm run build && node --expose-gc scripts/run-ts.js bench/lanes-chart.ts`
 */
import { writeFileSync } from 'node:fs';
import * as vega from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { type Kind, type LanesAt, measureLanes } from './lanes.ts';

const FILE = new URL('../docs/lanes-by-size.svg', import.meta.url);

/** Colours that are told apart without seeing red and green (Okabe and Ito), and a shape each. */
const LINES: readonly { readonly kind: Kind; readonly name: string; readonly colour: string }[] = [
  { kind: 'plain', name: 'gRPC as it comes', colour: '#D55E00' },
  { kind: 'grpc', name: 'gRPC lane', colour: '#E69F00' },
  { kind: 'zeroCopy', name: 'zero-copy, copied in', colour: '#0072B2' },
  { kind: 'inPlace', name: 'zero-copy, built in place', colour: '#009E73' },
  { kind: 'memcpy', name: 'memcpy', colour: '#888888' },
];

writeFileSync(FILE, await svgOf(await measureLanes()));
console.log(`written: ${FILE.pathname}`);

async function svgOf(measured: readonly LanesAt[]): Promise<string> {
  const values = measured.flatMap(({ size, ms }) =>
    LINES.map(({ kind, name }) => ({ size, ms: ms[kind], lane: name })),
  );
  const lane = { field: 'lane', type: 'nominal', sort: LINES.map(({ name }) => name), title: null } as const;
  const spec: TopLevelSpec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    width: 640,
    height: 400,
    background: 'white',
    title: 'A transfer, by size of its payload',
    data: { values },
    mark: { type: 'line', point: true },
    encoding: {
      x: {
        field: 'size',
        type: 'quantitative',
        scale: { type: 'log', base: 2, domain: [measured[0]?.size ?? 1, measured.at(-1)?.size ?? 2] },
        axis: { title: 'payload', values: measured.map(({ size }) => size), labelExpr: SIZE_LABEL },
      },
      y: {
        field: 'ms',
        type: 'quantitative',
        scale: { type: 'log', base: 10 },
        axis: { title: 'median time, milliseconds', format: '~g' },
      },
      color: { ...lane, scale: { domain: LINES.map(({ name }) => name), range: LINES.map(({ colour }) => colour) } },
      shape: lane,
    },
  };
  return new vega.View(vega.parse(compile(spec).spec), { renderer: 'none' }).toSVG();
}

const SIZE_LABEL = "datum.value >= 1048576 ? datum.value / 1048576 + ' MiB' : datum.value / 1024 + ' KiB'";
