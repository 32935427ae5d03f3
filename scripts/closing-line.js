// @ts-check
/**
 * Prints a run's closing line, `N passed, N failed, N skipped`, from vitest's JSON report, with the skipped tests by name before it, and
 * exits as the run did: `node scripts/closing-line.js REPORT.json EXIT_CODE`. A run without a report, or whose report holds no test, failed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

/**
 * @typedef {{ fullName: string, status: string }} Assertion
 * @typedef {{ name: string, status: string, assertionResults: Assertion[] }} TestFile
 */
const [path = '', exit = '1'] = process.argv.slice(2);
/** @type {TestFile[]} */
const files = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).testResults : [];
const tests = files.flatMap((file) =>
  file.assertionResults.map((test) => ({ file: relative('.', file.name), ...test })),
);

const passed = tests.filter((test) => test.status === 'passed').length;
const skipped = tests.filter((test) => !['passed', 'failed'].includes(test.status));
// A file that could not be loaded has failed without a test to show for it.
const broken = files.filter(
  (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
).length;
let failed = tests.filter((test) => test.status === 'failed').length + broken;
if (failed === 0 && (Number(exit) !== 0 || tests.length === 0)) failed = 1;

for (const test of skipped) console.log(`skipped: ${test.file}: ${test.fullName}`);
console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
process.exit(Number(exit) !== 0 ? Number(exit) : failed > 0 ? 1 : 0);
