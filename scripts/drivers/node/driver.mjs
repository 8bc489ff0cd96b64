// Runs cells of poolbench on an executor of Node's.
//
//     driver.mjs EXECUTOR      (promise, worker)
//
// It speaks the protocol of docs/drivers.md. The end of standard input ends it, whatever it is doing, and its processes: a thread waits for that.

import { readSync, writeSync } from "node:fs";
import { Worker } from "node:worker_threads";

import { Parsers } from "./parsers.mjs";
import { Promises } from "./promises.mjs";
import { STRATEGIES, run } from "./strategies.mjs";
import { Threads } from "./threads.mjs";
import { KINDS, now, spinSteps, workOf } from "./works.mjs";

const EXECUTORS = {
  promise: { name: "promises on Node's event loop", event_loop: true, workers: 1 },
  worker: { name: "a pool of Node's worker_threads" },
};
const WATCHER = `
  const { Socket } = require("node:net");
  const input = new Socket({ fd: 0, writable: false });
  const { parentPort, workerData } = require("node:worker_threads");
  const end = () => [...workerData, process.pid].forEach((pid) => process.kill(pid, "SIGKILL"));
  input.on("close", end).on("error", () => {}).resume();
  parentPort.postMessage("here");
`;

function describe(executor) {
  return {
    protocol: 1,
    language: "node",
    version: process.versions.node,
    executable: process.execPath,
    strategies: Object.keys(STRATEGIES[executor]),
    workloads: KINDS,
    ...EXECUTORS[executor],
  };
}

// The fastest of many short stretches, which nobody disturbed.
function calibrate({ budget_ns }) {
  const steps = 50_000;
  const end = now() + BigInt(budget_ns);
  let best = Infinity;
  do {
    const started = now();
    spinSteps(1n, steps);
    best = Math.min(best, Number(now() - started));
  } while (now() < end);
  return { spin_steps_per_ns: steps / Math.max(1, best) };
}

async function runCell(executorName, question) {
  const strategy = STRATEGIES[executorName][question.strategy];
  if (!strategy) throw new Error(`${executorName} has no strategy '${question.strategy}'`);
  const tasks = question.tasks.map(workOf);
  const callbacks = question.callbacks.map(workOf);
  const before = process.resourceUsage();
  const starting = now();
  const parsers = new Parsers(question.strategy === "extra" ? question.parsers : 0);
  await parsers.start();
  const watched = { eval: true, workerData: parsers.pids() };
  await new Promise((here) => new Worker(WATCHER, watched).once("message", here));
  const executor = executorName === "promise" ? new Promises(question) : new Threads(question);
  await executor.start();
  const ready = now();
  const recorder = await run(strategy, executor, parsers, tasks, callbacks);
  const used = process.resourceUsage();
  const stopping = now();
  await executor.stop();
  await parsers.stop();
  const stopped = now();
  const parsing = (key) => parsers.used.reduce((sum, each) => sum + each[key], 0);
  const difference = (key) => used[key] - before[key];
  const cpu = (key) => (difference(key) + parsing(key)) * 1000;
  return {
    tasks: recorder.rows(),
    pool_start_ns: ready - starting,
    submit_ns: recorder.submitNs,
    pool_stop_ns: stopped - stopping,
    main_pid: process.pid,
    submitter_tid: process.pid,
    resources: {
      cpu_user_ns: cpu("userCPUTime"),
      cpu_sys_ns: cpu("systemCPUTime"),
      main_cpu_ns: (difference("userCPUTime") + difference("systemCPUTime")) * 1000,
      ctx_switches_voluntary: difference("voluntaryContextSwitches") + parsing("voluntaryContextSwitches"),
      ctx_switches_involuntary: difference("involuntaryContextSwitches") + parsing("involuntaryContextSwitches"),
      rss_peak_bytes: (used.maxRSS + parsing("maxRSS")) * 1024,
    },
  };
}

async function answer(executor, line) {
  const question = JSON.parse(line);
  if (!(executor in EXECUTORS)) throw new Error(`no such executor: '${executor}'; there are ${Object.keys(EXECUTORS).join(", ")}`);
  if (question.command === "describe") return describe(executor);
  if (question.command === "calibrate") return calibrate(question);
  if (question.command === "run") return runCell(executor, question);
  throw new Error(`unknown command '${question.command}'`);
}

// Node makes a socket non-blocking, also one that it shares.
const nobody = new Int32Array(new SharedArrayBuffer(4));
function blocking(call) {
  while (true) {
    try {
      return call();
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(nobody, 0, 0, 1);
    }
  }
}

// Of standard input, empty at its end.
function readLine() {
  const pieces = [];
  const buffer = Buffer.alloc(1 << 16);
  const read = () => blocking(() => readSync(0, buffer));
  for (let got = read(); got > 0; got = read()) {
    pieces.push(Buffer.from(buffer.subarray(0, got)));
    if (buffer[got - 1] === 10) break;
  }
  return Buffer.concat(pieces).toString();
}

function say(reply) {
  const text = Buffer.from(JSON.stringify(reply, (_, value) => (typeof value === "bigint" ? String(value) : value)) + "\n");
  for (let at = 0; at < text.length; ) at += blocking(() => writeSync(1, text, at));
}

const line = readLine();
if (line) {
  try {
    say(await answer(process.argv[2], line));
  } catch (error) {
    say({ error: String(error?.message ?? error).replace(/\s+/g, " ") });
  }
}
process.exit(0);
