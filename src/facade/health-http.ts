/** Probes over HTTP. */
import type { HealthHandlerOptions, HealthProblem, HealthReport, Probe } from './health-report.ts';

/** What is read of a request, and asked of a response: node:http's, and so Express'. */
interface PlainRequest {
  readonly method?: string | undefined;
}
interface PlainResponse {
  writeHead(status: number, headers: Record<string, string | number>): unknown;
  end(body?: string): unknown;
}
/** Fastify wraps both. */
interface WrappedRequest {
  readonly raw: PlainRequest;
}
interface WrappedResponse {
  readonly raw: PlainResponse;
  hijack(): unknown;
}

export type HealthHandler = (request: PlainRequest | WrappedRequest, response: PlainResponse | WrappedResponse) => void;

type Checks = NonNullable<HealthHandlerOptions['checks']>;

const CHECK_TIMEOUT_MS = 1_000;

/** @param report with the problems that the host's own checks found */
export function probeHandler(
  probe: Probe,
  checks: Checks,
  report: (problems: readonly HealthProblem[]) => HealthReport,
): HealthHandler {
  return (request, response) => {
    if ('hijack' in response) response.hijack();
    const plain = 'hijack' in response ? response.raw : response;
    const { method } = 'raw' in request ? request.raw : request;
    if (method !== 'GET' && method !== 'HEAD') {
      plain.writeHead(405, { allow: 'GET, HEAD', 'content-length': 0 });
      plain.end();
      return;
    }
    const answer = (problems: readonly HealthProblem[]): void =>
      send(plain, method === 'HEAD', statusOf(probe, report(problems)), report(problems));
    // Liveness is about this process alone: what the host depends on must not have it killed.
    if (checks.length === 0 || probe === 'live') answer([]);
    else void Promise.all(checks.map(problemOf)).then((found) => answer(found.flat()));
  };
}

function statusOf(probe: Probe, { live, ready }: HealthReport): number {
  if (probe === 'report') return 200;
  return (probe === 'live' ? live : ready) ? 200 : 503;
}

function send(response: PlainResponse, headOnly: boolean, status: number, report: HealthReport): void {
  const body = `${JSON.stringify(report)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  if (headOnly) response.end();
  else response.end(body);
}

/** Never rejects. */
async function problemOf(check: Checks[number]): Promise<HealthProblem[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`a check did not answer within ${CHECK_TIMEOUT_MS} ms`), CHECK_TIMEOUT_MS);
  });
  try {
    const reason = await Promise.race([check(), late]);
    return reason === undefined ? [] : [hostProblem(reason)];
  } catch (error) {
    return [hostProblem(error instanceof Error ? error.message : String(error))];
  } finally {
    clearTimeout(timer);
  }
}

function hostProblem(reason: string): HealthProblem {
  return { part: 'host', reason, whatToDo: "see the host's own check", blocksReady: true };
}
