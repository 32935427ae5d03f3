/** Watches a pool for drift: of the error of each lane's predictions, and of what is transferred. Constant memory. */
import { Adwin } from './adwin.ts';
import { PageHinkley } from './page-hinkley.ts';
import { StabilityMonitor } from './population-stability.ts';
import type { Lane, Observation } from './types.ts';

export interface DriftAlarm {
  readonly atMs: number;
  /** What drifted: the prediction error of a lane, or a feature. */
  readonly subject: 'error_grpc' | 'error_zero_copy' | 'data_size' | 'system_load';
  readonly test: 'page_hinkley' | 'adwin' | 'psi';
  /** For the log. */
  readonly evidence: string;
}

/** A change of the mean log error by less than 5 % may be certain and is still no reason to learn anew. */
const MATERIAL = 0.05;
/** Weight of the newest residual in what is taken for the present mean. */
const PRESENT_RATE = 0.05;
/** Residuals beyond this factor (as a logarithm) are one stall, not a drift. */
const CLIP = 1.5;

export class DriftMonitor {
  readonly #errors = { grpc: newErrorTests(), zero_copy: newErrorTests() };
  readonly #size = new StabilityMonitor();
  readonly #load = new StabilityMonitor();

  /**
   * Takes one transfer and what was predicted for it before; returns the alarms, most often none.
   *
   * @param residual log(actual / predicted)
   */
  update(observation: Observation, residual: number): readonly DriftAlarm[] {
    const alarms: DriftAlarm[] = [];
    const { atMs, method } = observation;
    this.#watchError(method, Math.max(-CLIP, Math.min(CLIP, residual)), atMs, alarms);
    const watch = (monitor: StabilityMonitor, value: number, subject: 'data_size' | 'system_load'): void => {
      if (!monitor.update(value)) return;
      alarms.push({ atMs, subject, test: 'psi', evidence: `PSI ${monitor.last?.toFixed(2)} over the last window` });
    };
    watch(this.#size, Math.log(1 + observation.dataSize), 'data_size');
    if (observation.systemLoad !== undefined) watch(this.#load, observation.systemLoad, 'system_load');
    return alarms;
  }

  #watchError(method: Lane, residual: number, atMs: number, alarms: DriftAlarm[]): void {
    const tests = this.#errors[method];
    const { pageHinkley, adwin } = tests;
    const subject = method === 'grpc' ? 'error_grpc' : 'error_zero_copy';
    const before = adwin.mean;
    tests.present += PRESENT_RATE * (residual - tests.present);
    if (pageHinkley.update(residual) && Math.abs(tests.present - before) >= MATERIAL) {
      const evidence = `the mean log error left ${before.toFixed(2)} for ${tests.present.toFixed(2)}`;
      alarms.push({ atMs, subject, test: 'page_hinkley', evidence });
    }
    if (adwin.update(residual) && Math.abs(adwin.mean - before) >= MATERIAL) {
      const evidence = `the mean log error went from ${before.toFixed(2)} to ${adwin.mean.toFixed(2)}`;
      alarms.push({ atMs, subject, test: 'adwin', evidence });
    }
  }
}

interface ErrorTests {
  readonly pageHinkley: PageHinkley;
  readonly adwin: Adwin;
  /** Mean of the last some twenty residuals. */
  present: number;
}

function newErrorTests(): ErrorTests {
  return { pageHinkley: new PageHinkley(), adwin: new Adwin(), present: 0 };
}
