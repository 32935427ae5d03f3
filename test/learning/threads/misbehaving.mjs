/** A training thread that does what `task.pool` says: everything that a real one must not. */
import { setTimeout as wait } from 'node:timers/promises';

export default async function misbehave(task) {
  switch (task.pool) {
    case 'throws':
      throw new TypeError('it did not work');
    case 'exits':
      process.exit(3);
      break;
    case 'hangs':
      for (;;);
    case 'never answers':
      await wait(10 ** 9);
      break;
    case 'rejects late':
      setImmediate(() => Promise.reject(new Error('nobody awaits this')));
      await wait(10 ** 9);
      break;
    case 'kills its process':
      process.kill(process.pid, 'SIGKILL');
      await wait(10 ** 9);
      break;
    case 'aborts':
      process.kill(process.pid, 'SIGABRT');
      await wait(10 ** 9);
      break;
    case 'eats memory where V8 aborts': {
      const list = new Array(500_000).fill(0);
      const eaten = [];
      for (;;) eaten.push([...list.entries()]);
    }
    case 'eats memory': {
      const eaten = [];
      for (;;) eaten.push(Array.from({ length: 10_000 }, (_, i) => ({ i, text: String(i) })));
    }
    case 'answers':
      return { buffer: new ArrayBuffer(8), report: undefined, readMs: 0, trainMs: 0 };
    default:
      throw new Error(`no such misbehaviour: ${task.pool}`);
  }
}
