import { handlerFailed, laneFailed } from './errors.ts';
import type { ReceivedReply } from './messages.ts';
import { decodePayload } from './payload.ts';

const NO_BYTES = new Uint8Array(0);

/**
 * What the handler returned.
 * @throws TransportError the worker's own, final, unless shared memory failed before the handler ran
 */
export async function resultOf(reply: ReceivedReply, data: Uint8Array = NO_BYTES): Promise<unknown> {
  const { errorCode, errorMessage, dataType, format } = reply;
  if (errorCode === '') return decodePayload(dataType, format, data);
  if (/^PITWALL_SHM_/.test(errorCode)) throw laneFailed(errorCode, errorMessage);
  throw handlerFailed(errorCode, errorMessage);
}
