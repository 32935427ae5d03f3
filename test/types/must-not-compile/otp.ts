import { type Call, call, cast, type GenServer, next, type ServerRef, workerSpec } from '../../../src/otp/index.ts';

interface Get extends Call<number> {
  readonly type: 'get';
}
interface Add {
  readonly type: 'add';
  readonly by: number;
}
declare const counter: ServerRef<Get, Add>;

export const asText: Promise<string> = call(counter, { type: 'get' }); // error: 'Promise<number>' is not assignable to type 'Promise<string>'
void call(counter, { type: 'add', by: 1 }); // error: is not assignable to
cast(counter, { type: 'add', by: 'one' }); // error: 'string' is not assignable to type 'number'
cast(counter, { type: 'add' }); // error: 'by' is missing

export const server: GenServer<number, number, Get, Add> = {
  init: (start) => next.ok(start),
  handleCall: (_message, _from, count) => next.reply('many', count), // error: is not assignable to
  handleCast: (message, count) => next.noreply(count + message.to), // error: 'to' does not exist
};

workerSpec('counter', server, 'zero'); // error: 'string' is not assignable to parameter of type 'number'
workerSpec('counter', server, 0, { restart: 'always' }); // error: not assignable to type 'Restart | undefined'
