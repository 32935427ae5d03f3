/**
 * Who has which name. A look-up is a synchronous read in the caller, as a Registry of Elixir reads ETS; a name is free again in the
 * moment in which its process dies.
 */
export class Registry<P> {
  readonly #byName = new Map<string, P>();

  whereis(name: string): P | undefined {
    return this.#byName.get(name);
  }

  /** False if somebody has the name. */
  register(name: string, process: P): boolean {
    if (this.#byName.has(name)) return false;
    this.#byName.set(name, process);
    return true;
  }

  unregister(name: string, process: P): void {
    if (this.#byName.get(name) === process) this.#byName.delete(name);
  }

  names(): string[] {
    return [...this.#byName.keys()];
  }
}
