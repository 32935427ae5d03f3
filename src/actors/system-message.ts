import { type Next, next, type SystemMessage } from '../otp/index.ts';

/**
 * What pitwall's own actors do about messages of the system. They trap exits, so that `terminate` runs: a signal to end is heeded. They use neither
 * monitors nor receive timeouts.
 */
export function afterSystemMessage<S>(message: SystemMessage, state: S): Next<S> {
  return message.type === 'EXIT' ? next.stop(message.reason, state) : next.noreply(state);
}
