/** The page's files, read from the package when they are first asked for. Nothing else of the disk can be reached. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export interface Asset {
  readonly type: string;
  readonly body: Buffer;
}

type FileAndType = readonly [file: string, type: string];

const SCRIPT = 'text/javascript; charset=utf-8';
const STYLE = 'text/css; charset=utf-8';
const HTML = 'text/html; charset=utf-8';

const SCRIPTS = [
  'early',
  'main',
  'charts',
  'dom',
  'format',
  'explain',
  'host',
  'live',
  'knowledge',
  'theme',
  'sign-in',
];

/** By path. `index.html` and `sign-in.html` have none: what is answered at `/` depends on who asks. */
const OWN: ReadonlyMap<string, FileAndType> = new Map<string, FileAndType>([
  ['/style.css', ['style.css', STYLE]],
  ['/icon.svg', ['icon.svg', 'image/svg+xml']],
  ...SCRIPTS.map((name) => [`/${name}.js`, [`${name}.js`, SCRIPT]] as const),
]);
const UPLOT: ReadonlyMap<string, FileAndType> = new Map<string, FileAndType>([
  ['/uplot.js', ['uplot/dist/uPlot.esm.js', SCRIPT]],
  ['/uplot.css', ['uplot/dist/uPlot.min.css', STYLE]],
]);

export class Assets {
  readonly #held = new Map<string, Asset>();

  /** Undefined where there is no such file. @throws where one of the package's is missing */
  async at(path: string): Promise<Asset | undefined> {
    const own = OWN.get(path);
    const charts = UPLOT.get(path);
    if (own) return this.#read(path, fileOf(own[0]), own[1]);
    if (charts) return this.#read(path, createRequire(import.meta.url).resolve(charts[0]), charts[1]);
    return undefined;
  }

  page(name: 'index' | 'sign-in'): Promise<Asset> {
    return this.#read(name, fileOf(`${name}.html`), HTML);
  }

  async #read(key: string, file: string, type: string): Promise<Asset> {
    const held = this.#held.get(key);
    if (held) return held;
    const asset = { type, body: await readFile(file) };
    this.#held.set(key, asset);
    return asset;
  }
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(`page/${name}`, import.meta.url));
}
