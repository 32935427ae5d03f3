import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { asObject, type Json, type JsonObject } from './json.ts';

/** Random scenarios of a seed, by the generator in the folder `fixtures`. The i-th depends on the seed and on i alone. */
export async function generate(fixtures: string, seed: number, count: number): Promise<JsonObject[]> {
  const generator = join(fixtures, 'generate.mjs');
  const text = await output(process.execPath, [generator, '--seed', String(seed), '--count', String(count)], '');
  return parse(text).map(asObject);
}

/** What Erlang/OTP does in these scenarios. Rejects where Erlang is missing, or a scenario is none. */
export async function runErlang(fixtures: string, scenarios: readonly JsonObject[], jobs = 16): Promise<Json[]> {
  const run = join(fixtures, 'reference', 'run');
  const input = scenarios.map((scenario) => `${JSON.stringify(scenario)}\n`).join('');
  return parse(await output(run, [], input, { ...process.env, JOBS: String(jobs) }));
}

function parse(text: string): Json[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

function output(command: string, args: readonly string[], input: string, env = process.env): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    child.on('error', reject);
    child.stdin.on('error', () => undefined); // the exit code tells
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out).toString('utf8'));
      else reject(new Error(`${command} ended with ${code}: ${Buffer.concat(errors).toString('utf8').slice(0, 2000)}`));
    });
    child.stdin.end(input);
  });
}
