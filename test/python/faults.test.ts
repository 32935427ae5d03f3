/** The faults that every kind of worker stands, with workers in Python and the package from dist/. `PITWALL_LONG=1`: in both lanes. */
import { describe } from 'vitest';
import { faultCases, LANES } from '../transports/fault-cases.ts';
import { PYTHON, PYTHON_WORKERS } from './support.ts';

const lanes = process.env.PITWALL_LONG === '1' ? LANES : (['zeroCopy'] as const);

describe.skipIf(PYTHON === undefined)('the same as in Node', () => faultCases(PYTHON_WORKERS, lanes));
