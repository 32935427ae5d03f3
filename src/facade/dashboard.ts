import { type DashboardOptions, readOptions } from '../dashboard/options.ts';
import { type DashboardServer, startDashboard } from '../dashboard/server.ts';
import { InvalidArgumentError, PitwallError } from '../errors.ts';
import type { Engine } from '../wiring/engine.ts';
import { type DashboardParts, RuntimeSource } from './dashboard-source.ts';

const MAX_SERVERS = 8;

/** `runtime.dashboard`: a page in the browser that shows what goes on, less than a second behind. `docs/dashboard.md`. */
export class Dashboard {
  readonly #engine: Engine;
  readonly #parts: DashboardParts;
  readonly #servers = new Set<Promise<DashboardServer>>();

  constructor(engine: Engine, parts: DashboardParts) {
    this.#engine = engine;
    this.#parts = parts;
  }

  /**
   * Serves the page, on loopback unless told. It costs nothing while nobody looks, keeps no process alive, and ends with the runtime. At most 8 at a time.
   *
   * @throws InvalidArgumentError naming the option; PitwallError `PITWALL_DASHBOARD_TOKEN_NEEDED` for an address that other machines reach without a
   *   token, `PITWALL_DASHBOARD_NOT_LISTENING` where the address cannot be had, `PITWALL_RUNTIME_STOPPED`
   * @example
   * const dashboard = await runtime.dashboard.listen({ port: 8433 });
   * console.log(dashboard.url);
   */
  async listen(options?: DashboardOptions): Promise<DashboardServer> {
    const settings = readOptions(options);
    if (this.#engine.stopping) throw new PitwallError('PITWALL_RUNTIME_STOPPED', 'the runtime was shut down');
    if (this.#servers.size >= MAX_SERVERS) {
      throw new InvalidArgumentError('options', options, `at most ${MAX_SERVERS} dashboards at a time: close one`);
    }
    const starting = startDashboard(new RuntimeSource(this.#engine, this.#parts), settings);
    this.#servers.add(starting);
    try {
      const server = await starting;
      return {
        url: server.url,
        port: server.port,
        readOnly: server.readOnly,
        get viewers() {
          return server.viewers;
        },
        close: async () => {
          this.#servers.delete(starting);
          await server.close();
        },
      };
    } catch (error) {
      this.#servers.delete(starting);
      throw error;
    }
  }

  /** Ends all of them. The runtime's shutdown does it. */
  async close(): Promise<void> {
    const servers = [...this.#servers];
    this.#servers.clear();
    await Promise.allSettled(servers.map(async (server) => (await server).close()));
  }
}
