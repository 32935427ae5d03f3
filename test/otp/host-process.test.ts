import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

// Whole host processes, on the built package (dist/), as strict about unhandled rejections as Node can be.

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a host until it ends by itself. */
function host(program: string): { status: number | null; out: string[]; errors: string } {
  const prelude = `import { call, cast, exit, monitor, next, started, startGenServer, startSupervisor, startSystem, supervisorSpec, whereis, workerSpec } from 'pitwall/otp';
    const worker = (log) => ({
      init: (id, self) => { self.trapExit(true); return next.ok(id); },
      handleCall: (message, from, id) => next.noreply(id),
      handleCast: (message, id) => { throw new Error('boom'); },
      terminate: (reason, id) => log.push(id),
    });\n`;
  const args = ['--unhandled-rejections=strict', '--input-type=module', '-e', prelude + program];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { status, out: stdout.split('\n').filter((line) => line !== ''), errors: stderr };
}

describe('a host', () => {
  it('with an idle tree ends by itself: no handle is held', () => {
    const { status, out, errors } = host(`
      const system = startSystem({ name: 'idle' });
      const server = { init: (id, self) => { self.sendAfter({ type: 'late' }, 60_000); return next.ok(id, next.timeout(60_000)); } };
      started(await startSupervisor(system, {}, [supervisorSpec('inner', {}, [workerSpec('a', server, 'a')])]));
      console.log('started');
    `);
    expect({ status, out, errors }).toEqual({ status: 0, out: ['started'], errors: '' });
  });

  it('lives on when a supervisor gives up, and its siblings were stopped in reverse order', () => {
    const { status, out, errors } = host(`
      const log = [];
      const system = startSystem({ name: 'app', onExit: (ref, reason) => console.log(ref.name, reason, log.join(' ')) });
      const child = (id) => workerSpec(id, worker(log), id, { register: id });
      started(await startSupervisor(system, { intensity: 1 }, ['a', 'b', 'c', 'd'].map(child), { name: 'root' }));
      for (let i = 0; i < 2; i += 1) {
        cast(whereis(system, 'b'), { type: 'crash' });
        await new Promise((done) => setTimeout(done, 10));
      }
      console.log('alive');
    `);
    expect({ status, out, errors }).toEqual({ status: 0, out: ['root shutdown b b d c a', 'alive'], errors: '' });
  });

  it('waits for a call that is pending, and hears of its timeout', () => {
    const { status, out } = host(`
      const system = startSystem({ name: 'app' });
      const ref = started(await startGenServer(system, worker([]), 'a'));
      await call(ref, { type: 'never' }, { timeoutMs: 50 }).catch((error) => console.log(error.code));
    `);
    expect({ status, out }).toEqual({ status: 0, out: ['PITWALL_CALL_TIMEOUT'] });
  });

  it('is not ended by what its callbacks throw', () => {
    const { status, out, errors } = host(`
      const fault = () => { throw new Error('a fault of the host'); };
      const system = startSystem({ name: 'app', onReport: fault, onExit: fault, onDeadLetter: fault });
      const ref = started(await startGenServer(system, worker([]), 'a'));
      monitor(ref, fault);
      cast(ref, { type: 'crash' });
      await new Promise((done) => setTimeout(done, 10));
      cast(ref, { type: 'crash' });
      console.log(ref.alive);
    `);
    expect({ status, out, errors }).toEqual({ status: 0, out: ['false'], errors: '' });
  });
});
