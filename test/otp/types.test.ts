import { expectTypeOf, it } from 'vitest';
import {
  type Call,
  type CallNext,
  call,
  cast,
  type DynamicSupervisorRef,
  type From,
  type GenServer,
  multiCall,
  type NamedRef,
  named,
  next,
  type Parent,
  type Reply,
  type ReplyOf,
  reply,
  type ServerRef,
  type StartResult,
  type System,
  send,
  startDynamicSupervisor,
  started,
  startGenServer,
  startInstance,
} from '../../src/otp/index.ts';

// What the compiler infers. What it must refuse stands in test/types/must-not-compile/. Checked by the type check, not by running.

interface Get extends Call<number> {
  readonly type: 'get';
  readonly pool: string;
}
interface Name extends Call<string> {
  readonly type: 'name';
}
interface Add {
  readonly type: 'add';
}
interface Tick {
  readonly type: 'tick';
}
type Server = ServerRef<Get | Name, Add, Tick>;

const server: GenServer<{ start: number }, number, Get | Name, Add, Tick, 'tidy'> = {
  init(args, self) {
    expectTypeOf(args).toEqualTypeOf<{ start: number }>();
    expectTypeOf(self.ref).toEqualTypeOf<Server>();
    expectTypeOf(self.sendAfter).parameter(0).toEqualTypeOf<Tick>();
    return next.ok(args.start, next.continue('tidy' as const));
  },
  handleCall(message, from, state) {
    expectTypeOf(from).toEqualTypeOf<From<number | string>>();
    switch (message.type) {
      case 'get':
        expectTypeOf(next.replyTo<Get, number>)
          .parameter(1)
          .toEqualTypeOf<number>();
        return next.replyTo(message, state, state);
      case 'name':
        expectTypeOf(next.replyTo<Name, number>)
          .parameter(1)
          .toEqualTypeOf<string>();
        return next.replyTo(message, 'counter', state);
      default:
        return message satisfies never;
    }
  },
  handleInfo(message, state) {
    expectTypeOf(message.type).toEqualTypeOf<'tick' | 'EXIT' | 'DOWN' | 'timeout'>();
    return next.noreply(state);
  },
  handleContinue(term, state) {
    expectTypeOf(term).toEqualTypeOf<'tidy'>();
    return next.noreply(state);
  },
};

it('replies are inferred from the message', () => {
  const check = (ref: Server, name: NamedRef<Get | Name, Add>) => {
    expectTypeOf(call(ref, { type: 'get', pool: 'ml' })).resolves.toEqualTypeOf<number>();
    expectTypeOf(call(name, { type: 'name' })).resolves.toEqualTypeOf<string>();
    expectTypeOf(multiCall([ref], { type: 'name' })).resolves.items.toEqualTypeOf<PromiseSettledResult<string>>();
    expectTypeOf(cast(ref, { type: 'add' })).toEqualTypeOf<boolean>();
    expectTypeOf(send(ref, { type: 'tick' })).toEqualTypeOf<boolean>();
  };
  expectTypeOf(check).returns.toEqualTypeOf<void>();
  expectTypeOf<ReplyOf<Get>>().toEqualTypeOf<number>();
  expectTypeOf<ReplyOf<Add>>().toEqualTypeOf<never>();
  expectTypeOf(reply<number>)
    .parameter(1)
    .toEqualTypeOf<number>();
});

it('refs know what their server takes, and a ref that takes more serves where less is asked for', () => {
  const check = async (parent: Parent, system: System) => {
    expectTypeOf(await startGenServer(parent, server, { start: 1 })).toEqualTypeOf<StartResult<Server>>();
    expectTypeOf(started(await startGenServer(parent, server, { start: 1 }))).toEqualTypeOf<Server>();
    expectTypeOf(named<Get>(system, 'x')).toEqualTypeOf<NamedRef<Get>>();
  };
  expectTypeOf(check).returns.resolves.toEqualTypeOf<void>();
  expectTypeOf<Server>().toExtend<ServerRef<Get>>();
  expectTypeOf<ServerRef<Get>>().not.toExtend<Server>();
  expectTypeOf<ServerRef<never, Add>>().not.toExtend<ServerRef<Get, Add>>();
});

it('instances of a dynamic supervisor take the arguments of their template', () => {
  const check = async (system: System) => {
    const pools = started(
      await startDynamicSupervisor(
        system,
        {},
        {
          id: 'pool',
          start: (parent, _name: string, size: number) => startGenServer(parent, server, { start: size }),
        },
      ),
    );
    expectTypeOf(pools).toEqualTypeOf<DynamicSupervisorRef<[_name: string, size: number]>>();
    expectTypeOf(startInstance<[name: string, size: number]>).parameters.toEqualTypeOf<
      [DynamicSupervisorRef<[name: string, size: number]>, string, number]
    >();
  };
  expectTypeOf(check).returns.resolves.toEqualTypeOf<void>();
});

it('next says what a handler may come to', () => {
  expectTypeOf(next.reply(1, 'state')).toEqualTypeOf<Reply<string, number>>();
  expectTypeOf(next.reply(1, 'state')).toExtend<CallNext<string, number>>();
  expectTypeOf(next.reply('1', 'state')).not.toExtend<CallNext<string, number>>();
  expectTypeOf(next.noreply(1)).not.toExtend<CallNext<string, number>>();
});
