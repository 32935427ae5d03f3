/**
 * `pitwall/otp`: OTP's processes, GenServers and supervisors on nact. `docs/otp.md` is the guide.
 */

export type { GenServer } from './behaviour.ts';
export type { AutoShutdown, Flags, SpecError, Strategy } from './check-spec.ts';
export type { ChildType, Restart, ShutdownTime } from './child-kind.ts';
export type { ChildOptions, ChildSpec, ChildSpecInput } from './child-spec.ts';
export { workerSpec } from './child-spec.ts';
export type { CallOptions } from './client.ts';
export { call, cast, multiCall, reply, send } from './client.ts';
export type { Clock, Timer } from './clock.ts';
export { systemClock } from './clock.ts';
export type { ContextCarrier } from './context-carrier.ts';
export type { DeadLetter, DeadLetterCounts } from './dead-letters.ts';
export { CallError, Exit, StartError } from './errors.ts';
export { startGenServer } from './gen-server.ts';
export type { ProcessTree } from './inspect.ts';
export { formatTree, inspect, mermaidTree } from './inspect.ts';
export { demonitor, exit, link, monitor, unlink, whenDown } from './links.ts';
export type { MailboxLimit } from './mailbox-limit.ts';
export type {
  Call,
  Destination,
  DownMessage,
  ExitMessage,
  From,
  Message,
  MessageOf,
  MonitorRef,
  NactRef,
  NamedRef,
  ProcessRef,
  ProcessStatus,
  ReplyOf,
  ServerRef,
  SystemMessage,
  TimeoutMessage,
} from './message.ts';
export type { OnDown } from './monitor.ts';
export type { After, CallNext, Ignore, InitResult, Next, NoReply, Ok, Refuse, Reply, Stop, StopReply } from './next.ts';
export { next } from './next.ts';
export type { Offender, SupervisorReport } from './reports.ts';
export type { TurnLimits } from './scheduler.ts';
export type { Self } from './self.ts';
export type { ServerStatus } from './server-loop.ts';
export type { Parent } from './spawn.ts';
export type { AlreadyStarted, Awaitable, StartOptions, StartResult } from './start.ts';
export { started } from './start.ts';
export type { FailedToStartChild } from './static-supervisor.ts';
export type {
  DynamicSupervisorRef,
  Supervisor,
  SupervisorChildOptions,
  SupervisorFlags,
  SupervisorRef,
} from './supervisor.ts';
export {
  changeSupervisor,
  countChildren,
  deleteChild,
  dynamicSupervisorSpec,
  getChildSpec,
  restartChild,
  startChild,
  startDynamicSupervisor,
  startInstance,
  startSupervisor,
  startSupervisorFrom,
  supervisorSpec,
  terminateChild,
  whichChildren,
} from './supervisor.ts';
export type {
  BadStartSpec,
  ChangeResult,
  ChildCounts,
  ChildEntry,
  ChildResult,
  ChildSpecResult,
  StartChildError,
  StartChildResult,
  StartFailed,
  SupervisorCall,
} from './supervisor-messages.ts';
export type { SupervisorDefinition, SupervisorInit, SupervisorStartError } from './supervisor-server.ts';
export type { TraceEvent } from './sys.ts';
export { getState, getStatus, replaceState, resume, stop, suspend, trace } from './sys.ts';
export type { StopOptions, System, SystemOptions } from './system.ts';
export { deadLetters, named, shutDown, startSystem, stopSystem, whereis } from './system.ts';
export type { ExitReason, Shutdown } from './terms.ts';
export { describeReason, isOrderly, isShutdownTerm } from './terms.ts';
export type { TestClock } from './test-clock.ts';
export { createTestClock } from './test-clock.ts';
