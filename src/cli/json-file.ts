/** A JSON file that a call names. */
import { readFileSync } from 'node:fs';
import { UsageError } from './usage-error.ts';

/** @throws UsageError where it cannot be read, or is no JSON */
export function readJsonFile(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(
      `${JSON.stringify(file)} cannot be read: ${error instanceof Error ? error.message : 'unknown'}`,
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${JSON.stringify(file)} is no JSON: ${error instanceof Error ? error.message : 'unknown'}`);
  }
}
