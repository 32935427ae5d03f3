/** The faults that every kind of worker stands, with workers in Python and the package from dist/. */
import { describe } from 'vitest';
import { faultCases } from '../transports/fault-cases.ts';
import { PYTHON, PYTHON_WORKERS } from './support.ts';

describe.skipIf(PYTHON === undefined)('the same as in Node', () => faultCases(PYTHON_WORKERS));
