// A pool of worker_threads. Tasks lie in memory that all share, and a worker takes the next when it is free: what the main thread does
// meanwhile keeps nobody from working. That a task has ended comes as a message.

import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";

import { KINDS, execute, warmUp } from "./works.mjs";

const NUMBERS = 6; // of a work
const TAKEN = 0;
const PUT = 1;
const CLOSED = 2;

// Constant size: as many works as will be put, two for each task.
class Queue {
  constructor(shared) {
    this.state = new Int32Array(shared, 0, 3);
    this.works = new BigUint64Array(shared, 16);
  }
  static shared(tasks) {
    return new SharedArrayBuffer(16 + 8 * NUMBERS * 2 * Math.max(1, tasks));
  }
  write(slot, { kind, port, wait, units, bytes, seed }) {
    [KINDS.indexOf(kind), port, wait, units, bytes].forEach((value, i) => (this.works[slot * NUMBERS + i] = BigInt(value)));
    this.works[slot * NUMBERS + 5] = seed;
  }
  read(slot) {
    const [kind, port, wait, units, bytes, seed] = this.works.subarray(slot * NUMBERS, (slot + 1) * NUMBERS);
    return { kind: KINDS[Number(kind)], port: Number(port), wait: Number(wait), units: Number(units), bytes: Number(bytes), seed };
  }
  put() {
    Atomics.add(this.state, PUT, 1);
    Atomics.notify(this.state, PUT, 1);
  }
  close() {
    Atomics.store(this.state, CLOSED, 1);
    Atomics.add(this.state, PUT, 1); // whoever waits sees another number
    Atomics.notify(this.state, PUT);
  }
  // The number of the next task, when there is one; -1 when there will be none.
  take() {
    while (true) {
      const put = Atomics.load(this.state, PUT);
      const closed = Atomics.load(this.state, CLOSED);
      const taken = Atomics.load(this.state, TAKEN);
      if (closed) return -1;
      if (taken < put) {
        if (Atomics.compareExchange(this.state, TAKEN, taken, taken + 1) === taken) return taken;
      } else {
        Atomics.wait(this.state, PUT, put);
      }
    }
  }
}

export class Threads {
  constructor({ workers, tasks }) {
    const shared = Queue.shared(tasks.length);
    this.queue = new Queue(shared);
    this.next = 0;
    this.answers = new Map(); // number of a task -> how its promise is settled
    this.workers = Array.from({ length: workers }, () => new Worker(new URL(import.meta.url), { workerData: shared }));
  }
  start() {
    warmUp(); // callbacks run here
    return Promise.all(
      this.workers.map(
        (worker) =>
          new Promise((resolve, reject) => {
            worker.once("message", resolve); // it runs
            worker.once("error", reject);
          }).then(() => {
            worker.on("message", ({ number, outcomes, error }) => {
              const { resolve, reject } = this.answers.get(number);
              if (error) reject(new Error(error));
              else resolve(outcomes);
            });
            worker.on("error", (error) => this.answers.forEach(({ reject }) => reject(error)));
          }),
      ),
    );
  }
  async stop() {
    const ended = this.workers.map((worker) => new Promise((resolve) => worker.once("exit", resolve)));
    this.queue.close();
    await Promise.all(ended);
  }

  // The main thread's own, one after the other.
  parse = execute;

  put(task, callback) {
    const number = this.next++;
    const done = new Promise((resolve, reject) => this.answers.set(number, { resolve, reject }));
    this.queue.write(2 * number, task);
    if (callback) this.queue.write(2 * number + 1, callback);
    else this.queue.works[(2 * number + 1) * NUMBERS] = BigInt(KINDS.length); // none
    this.queue.put();
    return done;
  }
  async submit(task) {
    return (await this.put(task))[0];
  }
  submitBoth(task, callback) {
    return this.put(task, callback);
  }
}

async function work() {
  const queue = new Queue(workerData);
  warmUp();
  parentPort.postMessage("here");
  for (let number = queue.take(); number >= 0; number = queue.take()) {
    try {
      const outcomes = [await execute(queue.read(2 * number))];
      const callback = queue.read(2 * number + 1);
      if (callback.kind) outcomes.push(await execute(callback));
      parentPort.postMessage({ number, outcomes });
    } catch (error) {
      parentPort.postMessage({ number, error: error.message });
    }
  }
}

if (!isMainThread) await work();
