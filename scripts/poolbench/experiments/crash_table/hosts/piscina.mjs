// piscina, whose tasks can be aborted: that is its time limit.
import { createRequire } from 'node:module';
import path from 'node:path';

export async function open(modules, { workers, initializer, memoryLimit }) {
  const { Piscina } = createRequire(path.join(modules, 'index.js'))('piscina');
  const pool = new Piscina({
    filename: new URL('./worker.mjs', import.meta.url).href,
    minThreads: workers,
    maxThreads: workers,
    resourceLimits: memoryLimit ? { maxOldGenerationSizeMb: memoryLimit } : {},
    env: { ...process.env, CRASH_TABLE_INITIALIZER: initializer },
  });
  return {
    submit: (act, args, { timeLimit } = {}) =>
      pool.run({ act, args }, timeLimit ? { signal: AbortSignal.timeout(timeLimit) } : {}),
    shutdown: () => pool.close(),
  };
}
