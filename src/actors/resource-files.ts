import { closeSync, openSync, readSync } from 'node:fs';

/** Enough for `/proc/meminfo`, `memory.stat`, and the head of `/proc/stat`, of which only the first line is wanted. */
const BUFFER_SIZE = 8192;

/**
 * Kernel files that are read again and again: opened once, read from the start each time into one buffer, which halves the cost of
 * `readFileSync`. Reading is synchronous because these files are made of memory; nothing here waits for a disk.
 */
export class KernelFiles {
  readonly #buffer = Buffer.allocUnsafe(BUFFER_SIZE);
  /** undefined: cannot be opened, not tried again. */
  readonly #descriptors = new Map<string, number | undefined>();

  /** The file's text, or undefined where it cannot be read. Never throws. */
  read(path: string): string | undefined {
    const descriptor = this.#open(path);
    if (descriptor === undefined) return undefined;
    try {
      const size = readSync(descriptor, this.#buffer, 0, BUFFER_SIZE, 0);
      return this.#buffer.toString('latin1', 0, size);
    } catch {
      // The group was removed, say. A file that comes back is found again after `close`.
      return undefined;
    }
  }

  close(): void {
    for (const descriptor of this.#descriptors.values()) {
      if (descriptor === undefined) continue;
      try {
        closeSync(descriptor);
      } catch {
        // Closed is closed.
      }
    }
    this.#descriptors.clear();
  }

  #open(path: string): number | undefined {
    if (this.#descriptors.has(path)) return this.#descriptors.get(path);
    let descriptor: number | undefined;
    try {
      descriptor = openSync(path, 'r');
    } catch {
      descriptor = undefined;
    }
    this.#descriptors.set(path, descriptor);
    return descriptor;
  }
}
