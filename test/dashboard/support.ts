/** A browser that is there already, and a runtime that is busy while somebody looks. */
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { delimiter, join } from 'node:path';
import type { Runtime } from 'pitwall';

/** The browser's program, by name on PATH; undefined where there is none. */
export function chromium(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A request whose every header is ours, `Host` and `Origin` included. */
export function ask(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: unknown } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, headers, body: Buffer.concat(chunks).toString('utf8') });
      });
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** One transfer of a host's own lanes, decided and recorded. @returns its id */
export function transferOnce(runtime: Runtime, pool: string, dataSize: number): string {
  const { transferId, method } = runtime.decideTransferMethod({ pool, dataSize, dataType: 'tensor', format: 'numpy' });
  runtime.recordTransferMetrics(transferId, {
    latencyUs: method === 'grpc' ? 200 + dataSize / 1000 : 6_000 + dataSize / 3000,
  });
  return transferId;
}
