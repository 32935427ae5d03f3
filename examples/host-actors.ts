/**
 * A host's own actors in pitwall's tree: a rate limiter that every request asks, and an audit log that collects lines and writes them out
 * when nothing comes for a while. They are supervised, restarted and stopped with everything else.
 *
 *   npm run build && node scripts/run-ts.js examples/host-actors.ts
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRuntime } from 'pitwall';
import {
  type Call,
  call,
  cast,
  formatTree,
  type GenServer,
  inspect,
  named,
  next,
  supervisorSpec,
  workerSpec,
} from 'pitwall/otp';

/** May this client send one more request in this second? */
interface Admit extends Call<boolean> {
  readonly type: 'admit';
  readonly client: string;
}

interface LimiterState {
  readonly second: number;
  readonly used: ReadonlyMap<string, number>;
}

const limiter: GenServer<
  { perSecond: number; nowMs: () => number },
  LimiterState & { perSecond: number; nowMs: () => number },
  Admit
> = {
  init: (args) => next.ok({ ...args, second: 0, used: new Map() }),
  handleCall(message, _from, state) {
    if (message.client === '') throw new Error('a client without a name'); // a fault: the process ends, the tree goes on
    const second = Math.floor(state.nowMs() / 1000);
    const used = new Map(second === state.second ? state.used : []);
    const count = (used.get(message.client) ?? 0) + 1;
    used.set(message.client, count);
    return next.replyTo(message, count <= state.perSecond, { ...state, second, used });
  },
};

interface Line {
  readonly type: 'line';
  readonly text: string;
}

/** Collects lines; writes them when nothing came for 100 ms, and before it ends. */
const auditLog: GenServer<
  (lines: readonly string[]) => void,
  { write: (lines: readonly string[]) => void; lines: readonly string[] },
  never,
  Line
> = {
  init(write, self) {
    self.trapExit(true); // so that terminate runs when the tree is stopped
    return next.ok({ write, lines: [] });
  },
  handleCast: ({ text }, state) => next.noreply({ ...state, lines: [...state.lines, text] }, next.timeout(100)),
  handleInfo(message, state) {
    if (message.type === 'timeout') state.write(state.lines);
    return next.noreply(message.type === 'timeout' ? { ...state, lines: [] } : state);
  },
  terminate: (_reason, { write, lines }) => write(lines),
};

const runtime = await startRuntime({ dataDir: mkdtempSync(join(tmpdir(), 'host-actors-')), logger: false });
const { system } = runtime.port;
const hosted = await runtime.port.startChild(
  supervisorSpec('guard', { strategy: 'one_for_one', intensity: 5, period: 10 }, [
    workerSpec('limiter', limiter, { perSecond: 2, nowMs: Date.now }, { register: 'limiter' }),
    workerSpec('audit_log', auditLog, (lines) => console.log(`audit: ${lines.join(', ')}`), { register: 'audit_log' }),
  ]),
);

// Between a crash and the restart there is nobody to call, as in OTP: who must not meet that waits for the supervisor's report.
const restarted = new Promise<void>((resolve) => {
  runtime.subscribe((event) => {
    if (event.type !== 'supervisor_report') return;
    const { context, offender } = event.report;
    if (context === 'started' && offender.id === 'limiter') resolve();
  });
});

const theLimiter = named<Admit>(system, 'limiter');
const theLog = named<never, Line>(system, 'audit_log');
for (const client of ['ann', 'ann', 'ann', '', 'ben']) {
  const admitted = await call(theLimiter, { type: 'admit', client }).catch((error: Error) => error.message);
  cast(theLog, { type: 'line', text: `${client || 'nobody'}: ${admitted}` });
  if (client === '') await restarted;
}
console.log(formatTree(inspect(hosted)));
await runtime.shutdown();
