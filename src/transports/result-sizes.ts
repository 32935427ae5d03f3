import { LARGE_RESULT } from './large-result.ts';
import type { ReceivedReply } from './messages.ts';

/** Commands that are remembered at most. */
const MAX_COMMANDS = 1_024;

/** How large the last result of each command was, so that a large one is offered memory, or chunks, beforehand. */
export class ResultSizes {
  readonly #bytes = new Map<string, number>();

  /** undefined: small, or not known. */
  expected(command: string): number | undefined {
    return this.#bytes.get(command);
  }

  note(command: string, reply: ReceivedReply): void {
    if (reply.errorCode !== '') return;
    const bytes = reply.resultLength || (reply.data?.byteLength ?? 0);
    if (bytes < LARGE_RESULT) this.#bytes.delete(command);
    else if (this.#bytes.size < MAX_COMMANDS || this.#bytes.has(command)) this.#bytes.set(command, bytes);
  }
}
