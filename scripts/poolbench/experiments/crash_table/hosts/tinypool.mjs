// tinypool, whose tasks can be aborted: that is its time limit.
import path from 'node:path';
import { pathToFileURL } from 'node:url';

export async function open(modules, { workers, initializer, memoryLimit }, runtime = 'worker_threads') {
  const { default: Tinypool } = await import(pathToFileURL(path.join(modules, 'tinypool', 'dist', 'index.js')).href);
  const pool = new Tinypool({
    runtime,
    filename: new URL('./worker.mjs', import.meta.url).href,
    minThreads: workers,
    maxThreads: workers,
    resourceLimits: memoryLimit ? { maxOldGenerationSizeMb: memoryLimit } : {},
    env: { ...process.env, CRASH_TABLE_INITIALIZER: initializer },
    execArgv: memoryLimit && runtime === 'child_process' ? [`--max-old-space-size=${memoryLimit}`] : [],
  });
  return {
    submit: (act, args, { timeLimit } = {}) =>
      pool.run({ act, args }, timeLimit ? { signal: AbortSignal.timeout(timeLimit) } : {}),
    shutdown: () => pool.destroy(),
  };
}
