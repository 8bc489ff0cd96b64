// Node has threads and no pool of them. This is the pool that its documentation shows (async_context, "Using AsyncResource for a Worker
// thread pool"), with all that the example does and does not do: a worker that errs fails its task and is replaced; one that errs without
// a task is an error of the pool's, which ends the program; of one that exits nothing is noticed; a message that cannot be sent loses its
// worker.
import { Worker } from 'node:worker_threads';

export async function open(_modules, { workers, initializer, memoryLimit }) {
  const all = [];
  const free = [];
  const tasks = [];

  const runTask = (task) => {
    if (free.length === 0) {
      tasks.push(task);
      return;
    }
    const worker = free.pop();
    worker.task = task;
    worker.postMessage(task.message);
  };
  const freed = (worker) => {
    free.push(worker);
    if (tasks.length > 0) runTask(tasks.shift());
  };
  const addNewWorker = () => {
    const worker = new Worker(new URL('./worker_threads_worker.mjs', import.meta.url), {
      workerData: { initializer },
      resourceLimits: memoryLimit ? { maxOldGenerationSizeMb: memoryLimit } : {},
    });
    worker.on('message', (value) => {
      worker.task.resolve(value);
      worker.task = null;
      freed(worker);
    });
    worker.on('error', (error) => {
      if (!worker.task) throw error;
      worker.task.reject(error);
      all.splice(all.indexOf(worker), 1);
      addNewWorker();
    });
    all.push(worker);
    freed(worker);
  };
  for (let count = 0; count < workers; count += 1) addNewWorker();

  return {
    submit: (act, args) => new Promise((resolve, reject) => runTask({ message: { act, args }, resolve, reject })),
    shutdown: () => Promise.all(all.map((worker) => worker.terminate())),
  };
}
