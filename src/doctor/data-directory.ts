/** The store of a host, running or resting, and the models in it: what a start on it would meet, and what to do. Nothing is changed. */
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { machineName, platformName } from '../actors/machine-name.ts';
import { MODE_KEY } from '../actors/mode-switch.ts';
import { readStoredPolicies } from '../actors/policy-history.ts';
import { PitwallError } from '../errors.ts';
import { CostModel } from '../learning/cost-model.ts';
import { refusalOf, versionFromJson } from '../learning/model-version.ts';
import type { JsonValue } from '../learning/types.ts';
import { openStore } from '../metrics/store.ts';
import type { MetricsStore } from '../metrics/store-types.ts';
import type { Checked } from './report.ts';

/** Ten years, the longest there is: what the host wants to keep is not ours to clean up. */
const FOR_EVER_HOURS = 87_600;
/** Below this the next hours may not fit. */
const LITTLE_DISK = 256 * 2 ** 20;
/** Models of a pool that are told of one by one. */
const MOST_TOLD = 16;

/** Never rejects. */
export async function examineDataDirectory(dataDir: string): Promise<Checked[]> {
  const place = examinePlace(dataDir);
  if (!existsSync(join(dataDir, 'lmdb', 'data.mdb'))) {
    return [...place, ok('store', `none in ${dataDir} yet: the first host that starts on it makes one`)];
  }
  let store: MetricsStore;
  try {
    store = await openStore({
      dataDir,
      now: () => Date.now() * 1000,
      retentionHours: FOR_EVER_HOURS,
      onWarning: () => undefined,
      readOnly: true,
    });
  } catch (error) {
    return [...place, unreadable(dataDir, error)];
  }
  try {
    return [...place, ...examineRecords(store, dataDir), ...examineModels(store), ...examineLearned(store)];
  } catch (error) {
    return [...place, unreadable(dataDir, error)];
  } finally {
    await store.close();
  }
}

/** Permissions and room of the directory, or of the nearest one above it that exists. */
function examinePlace(dataDir: string): Checked[] {
  let place = resolve(dataDir);
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  try {
    accessSync(place, constants.W_OK | constants.X_OK);
    if (!statSync(place).isDirectory()) throw new Error('it is no directory');
  } catch (error) {
    const remedy = `let the user that runs the host write to ${place}, or name another directory (dataDir); until then nothing is kept`;
    return [problem('store', `${place} cannot be written to: ${messageOf(error)}`, remedy)];
  }
  const { bavail, bsize } = statfsSync(place);
  const free = bavail * bsize;
  if (free >= LITTLE_DISK) return [];
  const remedy = 'free some, move dataDir, or bound what is kept (metricsRetentionMb, metricsRetentionHours)';
  return [problem('store', `only ${mib(free)} MiB are free at ${place}`, remedy)];
}

/** What each code means to somebody who is about to start a host. */
const REMEDIES: Readonly<Record<string, string>> = {
  PITWALL_STORE_CORRUPT:
    'the next start moves it aside (damaged-...) and begins anew; bring records back from a backup or an export with pitwall import',
  PITWALL_STORE_NEWER: 'a newer pitwall wrote it: upgrade this one, or start on another directory',
  PITWALL_STORE_UNAVAILABLE: 'install lmdb with its optional dependencies, which hold its binaries',
  PITWALL_STORE_READERS_FULL: 'too many processes read it at once: end some commands that watch it',
};

function unreadable(dataDir: string, error: unknown): Checked {
  const code = error instanceof PitwallError ? error.code : '';
  const remedy = REMEDIES[code] ?? 'look at the permissions of its files, and whether its disk is well';
  return problem('store', `the store in ${dataDir} cannot be read: ${messageOf(error)}`, remedy);
}

function examineRecords(store: MetricsStore, dataDir: string): Checked[] {
  const pools = store.pools();
  const { size } = statSync(join(dataDir, 'lmdb', 'data.mdb'));
  const records = store.count();
  const newest = pools.flatMap((pool) => [...store.records({ pool, reverse: true, limit: 1 })]);
  const lastUs = Math.max(...newest.map(({ timestampUs }) => timestampUs));
  const last = newest.length === 0 ? '' : `, the last of ${new Date(lastUs / 1000).toISOString()}`;
  const found = ok('store', `${records} records of ${pools.length} pools in ${mib(size)} MiB${last}`);
  const { corruptValues } = store.status;
  if (corruptValues === 0) return [found];
  const remedy = 'they are left out of every answer; a whole copy may be in a backup or an export';
  return [found, problem('store', `${corruptValues} damaged blocks were met`, remedy)];
}

/** Every stored version of every model, read and checked as the learner would. */
function examineModels(store: MetricsStore): Checked[] {
  const findings: Checked[] = [];
  let sound = 0;
  for (const [key, value] of store.entries('models')) {
    // The other entries say which version serves.
    if (!/ \d+$/.test(key)) continue;
    const refused = refusalOfStored(store, key, value);
    if (refused === undefined) sound += 1;
    else if (findings.length < MOST_TOLD) {
      const remedy =
        'it will not serve, the cost model decides; pitwall trains another (runtime.learning.trainModel at once)';
      findings.push(problem('models', `${key}: ${refused}`, remedy));
    }
  }
  if (findings.length > 0) return findings;
  return [ok('models', sound === 0 ? 'none is trained yet' : `${sound} versions, all of them sound`)];
}

function refusalOfStored(store: MetricsStore, key: string, value: JsonValue): string | undefined {
  try {
    const version = versionFromJson(value);
    return refusalOf(version, store.getBytes('models', `${key} model`), {
      machine: machineName(),
      statistic: version.lineage.statistic,
      nowMs: Date.now(),
      maxAgeMs: Number.POSITIVE_INFINITY,
    });
  } catch (error) {
    return messageOf(error);
  }
}

/** Thresholds with their cost models, and policies. */
function examineLearned(store: MetricsStore): Checked[] {
  const findings: Checked[] = [];
  for (const [pool, value] of store.entries('thresholds')) {
    const refused = refusalOfLearned(value);
    if (refused === undefined || findings.length >= MOST_TOLD) continue;
    findings.push(problem('models', `what pool ${pool} has learned: ${refused}`, 'the pool starts anew by itself'));
  }
  for (const [pool, value] of store.entries('policies')) {
    if (pool === MODE_KEY || readStoredPolicies(value) !== undefined || findings.length >= MOST_TOLD) continue;
    const remedy = 'the configured policy is in force; set what was changed at run time anew (runtime.updatePolicy)';
    findings.push(problem('store', `the policy of pool ${pool} cannot be read`, remedy));
  }
  return findings;
}

function refusalOfLearned(value: JsonValue): string | undefined {
  if (typeof value !== 'object' || value === null || !('costModel' in value)) return 'it cannot be read';
  if ('platform' in value && typeof value.platform === 'string' && value.platform !== platformName()) {
    return `learned on ${value.platform}, this is ${platformName()}`;
  }
  try {
    CostModel.fromState(value.costModel);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function ok(subject: Checked['subject'], message: string): Checked {
  return { subject, ok: true, message, whatToDo: '' };
}

function problem(subject: Checked['subject'], message: string, whatToDo: string): Checked {
  return { subject, ok: false, message, whatToDo };
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
