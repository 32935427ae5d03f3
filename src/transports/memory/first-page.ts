/**
 * The first page of a region: whose it is, and how far the host has faulted pages in. Both carry a keyed check, because whoever shares memory can
 * write into it by mistake (`new Float32Array(payload.buffer)` begins here, not at the payload): a worker that followed a wild mark would fault in
 * pages that do not exist, and a store into those can be SIGBUS.
 */
import { createHmac } from 'node:crypto';
import { FIRST_SLICE, HOST_MARK, HOST_MARK_CHECK, STAMP } from './layout.ts';
import type { Region } from './region.ts';

export interface Owner {
  readonly arena: string;
  readonly key: Buffer;
}

/** The host's pen. */
export class FirstPage {
  readonly #region: Region;
  readonly #owner: Owner;
  readonly #stamp: number;
  #mark = FIRST_SLICE;
  #check: number;

  constructor(region: Region, owner: Owner) {
    this.#region = region;
    this.#owner = owner;
    this.#stamp = checkOf(owner, 'stamp', 0);
    this.#check = checkOf(owner, 'mark', this.#mark);
    this.write();
  }

  advance(mark: number): void {
    if (mark === this.#mark) return;
    this.#mark = mark;
    this.#check = checkOf(this.#owner, 'mark', mark);
    this.write();
  }

  /** Also makes right again what somebody wrote over. */
  write(): void {
    this.#region.writeNumber(STAMP, this.#stamp);
    this.#region.writeNumber(HOST_MARK, this.#mark);
    this.#region.writeNumber(HOST_MARK_CHECK, this.#check);
  }
}

/** Whether a region is the one that a descriptor names: its descriptor's number, or its process's, may have passed to another. */
export function hasStamp(region: Region, owner: Owner): boolean {
  return region.readNumber(STAMP) === checkOf(owner, 'stamp', 0);
}

/** How far the host's mark has come; `before` where it is not the host's, or half written: the next look will tell. */
export function readMark(region: Region, owner: Owner, before: number): number {
  const mark = region.readNumber(HOST_MARK);
  if (mark === before || mark < FIRST_SLICE || mark > region.bytes) return before;
  return region.readNumber(HOST_MARK_CHECK) === checkOf(owner, 'mark', mark) ? mark : before;
}

/** 48 bits of HMAC-SHA-256: a whole number that JavaScript holds exactly. */
function checkOf({ arena, key }: Owner, what: string, value: number): number {
  return createHmac('sha256', key).update(`${arena}\n${what}\n${value}`).digest().readUIntBE(0, 6);
}
