const PAGE = 4096;

/**
 * Looks at, or writes (what is there already), one byte of every page of a range. Where page tables are shadowed, as in some virtual machines,
 * the kernel's populating is not enough: the first use of a page from user space costs 2 to 4 us more.
 *
 * Atomics, for two reasons: a write between another's two would undo it (a system call of Node's threads may be filling the page), and a plain
 * load whose value nobody needs is one that the compiler leaves out.
 */
export function touch(memory: Uint8Array, from: number, to: number, access: 'read' | 'write'): void {
  for (let at = from; at < to; at = at - (at % PAGE) + PAGE) {
    if (access === 'write') Atomics.or(memory, at, 0);
    else Atomics.load(memory, at);
  }
}
