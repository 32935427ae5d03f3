import type { Goal } from '../../../src/config/types.ts';
import type { Method, TransferRequest } from '../../../src/decision/types.ts';

export const method: Method = 'zero-copy'; // error: not assignable to type 'Method'
export const goal: Goal = 'latency'; // error: not assignable to type 'Goal'

export function grow(request: TransferRequest): void {
  request.dataSize += 1; // error: read-only
}
