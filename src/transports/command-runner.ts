/** What a worker does with one request, however it came: unpack, run the handler, pack. Runs in the worker process. */
import { describeValue, PitwallError } from '../errors.ts';
import type { HandlerContext, Handlers } from './define-worker.ts';
import { LARGE_RESULT } from './large-result.ts';
import type { AttachedArena, Reference } from './memory/types.ts';
import type { ExecuteReply, ReceivedRequest } from './messages.ts';
import { decodePayload, decompress, type EncodedPayload, encodePayload } from './payload.ts';
import { PROBE_COMMAND } from './probe-offer.ts';
import { readPayload } from './read-payload.ts';

const NOTHING: ExecuteReply = {
  dataType: '',
  format: '',
  workerUs: 0,
  handlerUs: 0,
  errorCode: '',
  errorMessage: '',
  resultLength: 0,
  data: undefined,
};

export class CommandRunner {
  readonly #handlers: ReadonlyMap<string, Handlers[string]>;
  #arena: AttachedArena | undefined;

  constructor(handlers: Handlers) {
    this.#handlers = new Map(Object.entries(handlers).filter(([, handler]) => typeof handler === 'function'));
  }

  get commands(): readonly string[] {
    return [...this.#handlers.keys()];
  }

  /** Maps the pool's shared memory in place of what was mapped before. @throws what kept it from being mapped */
  async attach(descriptor: string): Promise<void> {
    const { attachArena } = await import('./memory/attach-arena.ts');
    const attached = await attachArena(JSON.parse(descriptor), () => performance.timeOrigin + performance.now());
    this.#arena?.close();
    this.#arena = attached;
  }

  /** Never rejects: what went wrong is in the reply. `signal`: the caller gave up. */
  async run(request: ReceivedRequest, signal: AbortSignal): Promise<ExecuteReply> {
    const startedMs = performance.now();
    const { command } = request;
    // Answered without the script: whoever probes must not run what a handler does.
    const handler = command === PROBE_COMMAND ? readPayload : this.#handlers.get(command);
    if (handler === undefined) {
      const known = this.commands.join(', ');
      return failed('PITWALL_UNKNOWN_COMMAND', `no handler "${command}" (there are: ${known})`);
    }
    let payload: unknown;
    try {
      payload = await this.#unpack(request);
    } catch (error) {
      return failed(unpackingCode(error), messageOf(error));
    }
    const deadline = deadlineSignal(signal, request.timeoutMs);
    const handlerStartedMs = performance.now();
    try {
      const lane = request.reference === undefined ? 'grpc' : 'zero_copy';
      const context: HandlerContext = { command, lane, signal: deadline.signal };
      // The host and its worker's script agree on what a command takes; here it is any payload.
      const result: unknown = await (handler as (payload: unknown, context: HandlerContext) => unknown)(
        payload,
        context,
      );
      const handlerUs = (performance.now() - handlerStartedMs) * 1000;
      const reply = await this.#pack(result, request);
      return { ...reply, handlerUs, workerUs: (performance.now() - startedMs) * 1000 };
    } catch (error) {
      if (deadline.isOver()) {
        const timeoutMs = Math.round(request.timeoutMs);
        return failed('PITWALL_TRANSFER_TIMEOUT', `"${command}" had no answer within ${timeoutMs} ms`);
      }
      return failed('PITWALL_HANDLER_FAILED', `${command}: ${describeFailure(error)}`);
    } finally {
      deadline.clear();
    }
  }

  async #unpack({ dataType, format, gzip, size, reference, data }: ReceivedRequest): Promise<unknown> {
    if (reference !== undefined) return decodePayload(dataType, format, this.#view(reference));
    const received = data ?? NO_BYTES;
    return decodePayload(dataType, format, gzip ? await decompress(received, size) : received);
  }

  async #pack(result: unknown, request: ReceivedRequest): Promise<ExecuteReply> {
    if (result === undefined) return { ...NOTHING, dataType: 'json', format: 'json' };
    let encoded: EncodedPayload;
    try {
      encoded = await encodePayload(result);
    } catch (error) {
      return failed('PITWALL_RESULT_UNSENDABLE', `${request.command}: ${messageOf(error)}`);
    }
    const { dataType, format, content } = encoded;
    const shared = this.#share(encoded, request.resultReference);
    return shared
      ? { ...NOTHING, dataType, format, resultLength: content.byteLength }
      : { ...NOTHING, dataType, format, data: content };
  }

  /** Writes a large result into the memory that the host offers; false where it offers none, too little, or where it is not good any more. */
  #share({ content }: EncodedPayload, offered: Buffer | undefined): boolean {
    if (offered === undefined || content.byteLength < LARGE_RESULT) return false;
    try {
      const arena = this.#attached();
      const reference = parseReference(offered);
      if (content.byteLength > reference.length) return false;
      const slice = arena.view(reference);
      content.writeTo(slice, 0);
      arena.commit(reference, slice);
      return true;
    } catch {
      return false;
    }
  }

  #view(reference: Buffer): Uint8Array {
    return this.#attached().view(parseReference(reference));
  }

  #attached(): AttachedArena {
    if (this.#arena) return this.#arena;
    throw new PitwallError('PITWALL_SHM_UNAVAILABLE', 'no shared memory is attached');
  }
}

const NO_BYTES = new Uint8Array(0);

export function failed(errorCode: string, errorMessage: string): ExecuteReply {
  return { ...NOTHING, errorCode, errorMessage };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : describeValue(error);
}

/** A refused reference is the lane's failure; bytes that cannot be decoded are so on either lane. */
function unpackingCode(error: unknown): string {
  const ofMemory = error instanceof PitwallError && /^PITWALL_SHM_/.test(error.code);
  return ofMemory ? error.code : 'PITWALL_PAYLOAD_UNREADABLE';
}

function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return describeValue(error);
  return error.name === 'Error' ? error.message : `${error.name}: ${error.message}`;
}

/** @throws PitwallError `PITWALL_SHM_REFERENCE` for what is no JSON */
function parseReference(bytes: Buffer): Reference {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new PitwallError('PITWALL_SHM_REFERENCE', 'a reference to shared memory is refused: no JSON');
  }
}

interface Deadline {
  /** Fires when the caller gave up, or has stopped waiting. */
  readonly signal: AbortSignal;
  /** Whether the time ran out while the caller had not given up. */
  isOver(): boolean;
  clear(): void;
}

function deadlineSignal(caller: AbortSignal, timeoutMs: number): Deadline {
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMER_MS)) {
    return { signal: caller, isOver: () => false, clear: () => undefined };
  }
  const controller = new AbortController();
  const abort = (): void => controller.abort(caller.aborted ? caller.reason : new Error('the caller waits no longer'));
  const timer = setTimeout(abort, timeoutMs);
  timer.unref();
  caller.addEventListener('abort', abort, { once: true });
  return {
    signal: controller.signal,
    isOver: () => controller.signal.aborted && !caller.aborted,
    clear: () => {
      clearTimeout(timer);
      caller.removeEventListener('abort', abort);
    },
  };
}

const MAX_TIMER_MS = 2 ** 31 - 1;
