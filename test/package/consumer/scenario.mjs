// What a user does first: a runtime, two workers, a transfer through each lane, and home.
export async function scenario({ startRuntime, startWorkerPool }, script) {
  const runtime = await startRuntime({ dataDir: './pitwall-data', pools: [{ name: 'ml' }] });
  const workers = await startWorkerPool(runtime, { pool: 'ml', size: 2, script });
  const small = await workers.execute('sum', new Float64Array(1_000).fill(1));
  const large = await workers.execute('sum', new Float64Array(4_000_000).fill(1));
  await runtime.flush();
  const statistics = await runtime.getStatistics('ml');
  await runtime.shutdown();
  console.log(JSON.stringify({ small, large, statistics }));
  // Nothing ends the process here: it must end by itself.
}
