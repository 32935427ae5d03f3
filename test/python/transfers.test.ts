/** The transfers that every kind of worker passes, with workers in Python and the package from dist/. */
import { describe } from 'vitest';
import { transferCases } from '../transports/transfer-cases.ts';
import { PYTHON, PYTHON_WORKERS } from './support.ts';

describe.skipIf(PYTHON === undefined)('the same as in Node', () => transferCases(PYTHON_WORKERS));
