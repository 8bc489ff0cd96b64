// Who runs the callbacks: every strategy, and what it records.

import { now } from "./works.mjs";

const NOTHING = [-1, -1, 0, 0, 0, 0];

class Recorder {
  constructor(tasks, callbacks) {
    this.tasks = tasks;
    this.callbacks = callbacks;
    this.submitted = [];
    this.outcomes = [];
    this.parsed = [];
  }
  // submit(task, i) for every task; the promises that it gives.
  submitEach(submit) {
    const promises = this.tasks.map((task, i) => {
      this.submitted[i] = now();
      return submit(task, i);
    });
    this.submitNs = now() - this.submitted[0];
    // One that fails is told by who awaits it.
    promises.forEach((promise) => promise.catch(() => {}));
    return promises;
  }
  rows() {
    return this.tasks.map((_, i) => [this.submitted[i], ...this.outcomes[i], ...(this.parsed[i] ?? NOTHING)]);
  }
}

async function none(executor, recorder) {
  recorder.outcomes = await Promise.all(recorder.submitEach((task) => executor.submit(task)));
}

async function together(recorder, submit) {
  const both = await Promise.all(recorder.submitEach(submit));
  both.forEach(([outcome, parsed], i) => {
    recorder.outcomes[i] = outcome;
    recorder.parsed[i] = parsed;
  });
}
const fused = (executor, recorder) => together(recorder, (task, i) => executor.submitBoth(task, recorder.callbacks[i]));
const continued = (executor, recorder) => together(recorder, (task, i) => executor.submitContinued(task, recorder.callbacks[i]));

async function parse(executor, recorder, i, outcome) {
  recorder.outcomes[i] = outcome;
  recorder.parsed[i] = await executor.parse(recorder.callbacks[i]);
}

// Parsers work on what has ended, while the executor goes on.
async function extra(executor, recorder, parsers) {
  const promises = recorder.submitEach((task) => executor.submit(task));
  const parsed = promises.map(async (promise, i) => {
    recorder.outcomes[i] = await promise;
    recorder.parsed[i] = await parsers.handOver(recorder.callbacks[i]);
  });
  await Promise.all(parsed);
}

async function sync(executor, recorder) {
  for (const [i, task] of recorder.tasks.entries()) {
    recorder.submitted[i] = now();
    const done = executor.submit(task);
    recorder.submitNs = now() - recorder.submitted[0]; // the last one counts
    await parse(executor, recorder, i, await done);
  }
}

async function collect(executor, recorder) {
  const promises = recorder.submitEach((task) => executor.submit(task));
  for (const [i, promise] of promises.entries()) await parse(executor, recorder, i, await promise);
}

// One after the other, in completion order.
async function asCompleted(executor, recorder) {
  let last = Promise.resolve();
  const promises = recorder.submitEach((task) => executor.submit(task));
  const parsed = promises.map((promise, i) =>
    promise.then((outcome) => {
      last = last.then(() => parse(executor, recorder, i, outcome));
      return last;
    }),
  );
  await Promise.all(parsed);
}

export const STRATEGIES = {
  promise: { none, worker: continued, extra, fused, sync, collect, as_completed: asCompleted },
  worker: { none, main: asCompleted, extra, fused, sync, collect, as_completed: asCompleted },
};

export async function run(strategy, executor, parsers, tasks, callbacks) {
  const recorder = new Recorder(tasks, callbacks);
  await strategy(executor, recorder, parsers);
  return recorder;
}
