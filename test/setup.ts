/** Before every test file: `PITWALL_SEED=42 npx vitest run …` repeats the property tests with the seed that a failure printed. */
const seed = process.env.PITWALL_SEED;
if (seed !== undefined) {
  const { configureGlobal } = await import('fast-check');
  const value = Number(seed);
  if (!Number.isSafeInteger(value))
    throw new Error(`PITWALL_SEED: expected a whole number, got ${JSON.stringify(seed)}`);
  configureGlobal({ seed: value });
}
