/** Simulated transfers of one kind, without change: what real latencies do that independent normal logarithms do not. Seeded. */

export interface Transfer {
  latencyUs: number;
  dataSize?: number | undefined;
  inFlight?: number | undefined;
  systemLoad?: number | undefined;
}

/** Draws the next transfer into `transfer`; `factor` multiplies what it takes. */
export type Source = (transfer: Transfer, factor: number) => void;

/** A small fast seeded generator (xoroshiro-like mix of two 32-bit words), 0..1. */
export class Random {
  #a: number;
  #b: number;
  #spare = Number.NaN;

  constructor(seed: number) {
    this.#a = Math.imul(seed + 1, 0x9e3779b1) | 1;
    this.#b = Math.imul(seed ^ 0x5bd1e995, 0x85ebca6b) | 1;
    for (let round = 0; round < 16; round += 1) this.uniform();
  }

  uniform(): number {
    // Marsaglia's multiply-with-carry, two of 16 bits.
    this.#a = (Math.imul(36969, this.#a & 0xffff) + (this.#a >>> 16)) | 0;
    this.#b = (Math.imul(18000, this.#b & 0xffff) + (this.#b >>> 16)) | 0;
    return (((this.#a << 16) + (this.#b & 0xffff)) >>> 0) / 4_294_967_296;
  }

  normal(): number {
    if (!Number.isNaN(this.#spare)) {
      const spare = this.#spare;
      this.#spare = Number.NaN;
      return spare;
    }
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const r = x * x + y * y;
      if (r >= 1 || r === 0) continue;
      const times = Math.sqrt((-2 * Math.log(r)) / r);
      this.#spare = y * times;
      return x * times;
    }
  }
}

const MEDIAN_US = 800;

export function logNormal(random: Random, scatter: number): Source {
  return (transfer, factor) => {
    transfer.latencyUs = MEDIAN_US * factor * Math.exp(scatter * random.normal());
  };
}

/** Student's t with three degrees of freedom, times scatter, on the logarithm. */
export function studentT3(random: Random, scatter: number): Source {
  return (transfer, factor) => {
    const chi = random.normal() ** 2 + random.normal() ** 2 + random.normal() ** 2;
    transfer.latencyUs = MEDIAN_US * factor * Math.exp((scatter * random.normal()) / Math.sqrt(chi / 3));
  };
}

/** One in a hundred takes ten times as long. */
export function wild(random: Random, scatter: number): Source {
  return (transfer, factor) => {
    const times = random.uniform() < 0.01 ? 10 : 1;
    transfer.latencyUs = MEDIAN_US * factor * times * Math.exp(scatter * random.normal());
  };
}

/** Every now and then (on average each 500 transfers) a stall: so many in a row take five times as long. */
export function stalls(random: Random, scatter: number, length: number): Source {
  let left = 0;
  return (transfer, factor) => {
    if (left > 0) left -= 1;
    else if (random.uniform() < 1 / 500) left = length;
    transfer.latencyUs = MEDIAN_US * factor * (left > 0 ? 5 : 1) * Math.exp(scatter * random.normal());
  };
}

/** Two modes a factor of two apart, each of a share. */
export function bimodal(random: Random, scatter: number, share: number): Source {
  return (transfer, factor) => {
    const mode = random.uniform() < share ? 2 : 1;
    transfer.latencyUs = MEDIAN_US * factor * mode * Math.exp(scatter * random.normal());
  };
}

/** Logarithms of which each depends on the one before. */
export function autoregressive(random: Random, scatter: number, correlation: number): Source {
  let log = scatter * random.normal();
  const step = scatter * Math.sqrt(1 - correlation * correlation);
  return (transfer, factor) => {
    log = correlation * log + step * random.normal();
    transfer.latencyUs = MEDIAN_US * factor * Math.exp(log);
  };
}

/** A day of load from 0.2 to 0.8 and back, which makes transfers 30 % slower at its height. */
export function daily(random: Random, scatter: number, transfersPerDay: number, given: boolean): Source {
  let at = Math.floor(random.uniform() * transfersPerDay);
  return (transfer, factor) => {
    at += 1;
    const load = 0.5 - 0.3 * Math.cos((2 * Math.PI * at) / transfersPerDay);
    const shown = Math.max(0, Math.min(1, load + 0.05 * random.normal()));
    if (given) transfer.systemLoad = shown;
    const slower = 1.3 ** ((load - 0.2) / 0.6);
    transfer.latencyUs = MEDIAN_US * factor * slower * Math.exp(scatter * random.normal());
  };
}

/** Sizes log-uniform within a band of factor two, latency in proportion; `mix` moves sizes up and down the band over the weeks. */
export function sizes(random: Random, scatter: number, given: boolean, mixEvery = 0): Source {
  let seen = 0;
  return (transfer, factor) => {
    seen += 1;
    const upper = mixEvery > 0 && Math.floor(seen / mixEvery) % 2 === 1 ? 0.6 : 0;
    const place = upper + random.uniform() * (mixEvery > 0 ? 0.4 : 1);
    if (given) transfer.dataSize = Math.round(1_048_576 * 2 ** place);
    transfer.latencyUs = MEDIAN_US * factor * 2 ** place * Math.exp(scatter * random.normal());
  };
}

/**
 * A machine of `cores` shared by all transfers in flight (processor sharing), Poisson arrivals at utilization `busy`: how many are in flight is cause and
 * consequence of what they take. Work is log-normal.
 */
export function queue(random: Random, scatter: number, busy: number, given: boolean, cores = 2): Source {
  const jobs: { left: number; startedAt: number; inFlight: number }[] = [];
  const meanWork = MEDIAN_US * Math.exp((scatter * scatter) / 2);
  let now = 0;
  let nextArrival = 0;
  return (transfer, factor) => {
    for (;;) {
      const speed = jobs.length === 0 ? 0 : Math.min(1, cores / jobs.length);
      let first = 0;
      for (let place = 1; place < jobs.length; place += 1)
        if ((jobs[place]?.left ?? 0) < (jobs[first]?.left ?? 0)) first = place;
      const job = jobs[first];
      const endsAt = job === undefined ? Number.POSITIVE_INFINITY : now + job.left / speed;
      const until = Math.min(endsAt, nextArrival);
      for (const each of jobs) each.left -= (until - now) * speed;
      now = until;
      if (endsAt > nextArrival) {
        const work = MEDIAN_US * factor * Math.exp(scatter * random.normal());
        jobs.push({ left: work, startedAt: now, inFlight: jobs.length + 1 });
        nextArrival = now - (Math.log(1 - random.uniform()) * meanWork) / (busy * cores);
        continue;
      }
      jobs.splice(first, 1);
      transfer.latencyUs = now - (job?.startedAt ?? now);
      if (given) transfer.inFlight = job?.inFlight;
      return;
    }
  };
}
