// A worker of worker_threads.mjs.
import { parentPort, workerData } from 'node:worker_threads';
import { acts, initializers } from './acts.mjs';

if (workerData.initializer) initializers[workerData.initializer]();
parentPort.on('message', async ({ act, args }) => parentPort.postMessage(await acts[act](...args)));
