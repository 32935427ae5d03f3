/** A report as one HTML page that fetches nothing and needs nothing: what all such pages have in common. Pure. */

/** uPlot, to be written into the page. */
export interface ChartCode {
  readonly script: string;
  readonly style: string;
}

export interface Page {
  readonly title: string;
  /** HTML of `main`. */
  readonly content: string;
  /** undefined: tables only */
  readonly charts: ChartCode | undefined;
  /** What `draw` finds as JSON in the element `data`. */
  readonly data: unknown;
  /** A script of ours that draws. */
  readonly draw: string;
}

export function page({ title, content, charts, data, draw }: Page): string {
  const scripts = charts && [
    `<script type="application/json" id="data">${inJson(JSON.stringify(data))}</script>`,
    `<script>${inScript(charts.script)}</script>`,
    `<script>${draw}</script>`,
    '',
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${text(title)}</title>
<style>${charts ? inStyle(charts.style) : ''}${STYLE}</style>
</head>
<body>
<main>
${content}
</main>
${scripts?.join('\n') ?? ''}</body>
</html>
`;
}

/** Colours that people with any colour vision tell apart (Okabe and Ito), lighter ones on dark ground; gRPC is dashed as well. */
const STYLE = `
:root { color-scheme: light dark; --ground: #fff; --ink: #1b1f24; --faint: #59636e; --line: #d7dce1; --zero_copy: #0060a0; --grpc: #b84a00; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14181d; --ink: #e6e9ec; --faint: #9aa5b1; --line: #333b44; --zero_copy: #5cb8f2; --grpc: #f0a04b; }
}
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 32px 0 4px; }
ul { padding-left: 20px; color: var(--faint); } p { margin: 4px 0 8px; }
.note, .reading { color: var(--faint); font-size: 13px; } .reading { min-height: 20px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { padding: 3px 10px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:nth-child(-n + 2), th[scope='row'] { text-align: left; } thead th { color: var(--faint); font-weight: 600; }
.zero_copy { color: var(--zero_copy); } .grpc { color: var(--grpc); }
`;

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
]);

/** Text as HTML, also within an attribute. */
export function text(value: string): string {
  return value.replaceAll(/[&<>"']/g, (character) => ENTITIES.get(character) ?? character);
}

function inJson(json: string): string {
  return json.replaceAll('<', '\\u003c');
}

/** A script ends at the first `</script`, whatever stands around it. */
function inScript(code: string): string {
  return code.replaceAll(/<(?=\/script)/gi, '<\\');
}

function inStyle(code: string): string {
  return code.replaceAll(/<(?=\/style)/gi, '\\3c ');
}
