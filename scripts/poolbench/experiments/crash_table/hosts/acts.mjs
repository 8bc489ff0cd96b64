// What tasks and initializers do to a worker of a JavaScript pool. Each takes the directory of the run; `acts` is all that a worker runs:
// acts[name](...arguments). A worker's own process is the host's if it is a thread.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Worker, threadId } from 'node:worker_threads';

export const LARGE = 256 << 20;
export const ANSWER = 49;
const DEPTH = 100_000;

const cell = new Int32Array(new SharedArrayBuffer(4));
const sleep = (milliseconds) => Atomics.wait(cell, 0, 0, milliseconds);

export function mark(directory, name) {
  const file = path.join(directory, name);
  fs.writeFileSync(`${file}.tmp`, `${process.pid} ${threadId}`);
  fs.renameSync(`${file}.tmp`, file);
}

function awaitFile(directory, name) {
  while (!fs.existsSync(path.join(directory, name))) sleep(5);
}

function startChild(detached) {
  spawn('sleep', ['1000'], { stdio: 'ignore', detached }).unref();
}

// Kills this process, from a thread of its own, once it has written so many bytes more.
async function killWhenWritten(count) {
  const written = () => Number(/wchar: (\d+)/.exec(fs.readFileSync('/proc/self/io', 'utf8'))[1]);
  const source = `const fs = require('node:fs');
    const written = () => Number(/wchar: (\\d+)/.exec(fs.readFileSync('/proc/self/io', 'utf8'))[1]);
    require('node:worker_threads').parentPort.postMessage('ready');
    while (written() < ${written()} + ${count});
    process.kill(process.pid, 'SIGKILL');`;
  const watcher = new Worker(source, { eval: true });
  await new Promise((resolve) => watcher.once('message', resolve));
}

class TwoArguments extends Error {
  constructor(one, two) {
    super(`${one.text} ${two.text}`);
  }
}

export const acts = {
  square: (number) => number * number,
  meet(directory, number, workers) {
    mark(directory, `met-${number}`);
    for (let other = 0; other < workers; other += 1) awaitFile(directory, `met-${other}`);
    return number * number;
  },
  stand(directory, number) {
    mark(directory, `standing-${number}`);
    awaitFile(directory, 'gate');
    return number * number;
  },

  killed: () => process.kill(process.pid, 'SIGKILL'),
  segfault: () => process.kill(process.pid, 'SIGSEGV'),
  aborts: () => process.abort(),
  exits: () => process.exit(3),
  exits_at_once: () => process.reallyExit(3),
  recursion: (directory) => [acts.recursion(directory)],
  out_of_memory() {
    const kept = [];
    for (;;) kept.push(new Array(1 << 16).fill(Math.random()));
  },
  async killed_mid_result() {
    await killWhenWritten(1 << 20);
    return new Uint8Array(LARGE);
  },
  async killed_after_result(directory) {
    mark(directory, 'dying');
    await killWhenWritten(8);
    return ANSWER;
  },

  stopped: () => process.kill(process.pid, 'SIGSTOP'),
  endless() {
    process.on('SIGTERM', () => {});
    for (;;) sleep(10);
  },
  closes_descriptors() {
    for (let descriptor = 3; descriptor < 1024; descriptor += 1) {
      try {
        fs.closeSync(descriptor);
      } catch {
        // It was not open.
      }
    }
    return ANSWER;
  },
  closes_standard() {
    for (const descriptor of [0, 1, 2]) fs.closeSync(descriptor);
    console.log('into nothing');
    return ANSWER;
  },
  never_ending_thread() {
    setInterval(() => {}, 1000);
    return ANSWER;
  },

  takes: () => ANSWER,
  unencodable_result: () => () => ANSWER,
  unencodable_exception() {
    throw Object.assign(new Error('this cannot be encoded'), { cause: () => ANSWER });
  },
  undecodable_exception() {
    throw new TwoArguments({ text: 'one' }, { text: 'two' });
  },
  large_result: () => new Uint8Array(LARGE),
  nested_result() {
    let nested = [];
    for (let depth = 0; depth < DEPTH; depth += 1) nested = [nested];
    return nested;
  },

  grandchild() {
    startChild(false);
    return ANSWER;
  },
  grandchild_in_session() {
    startChild(true);
    return ANSWER;
  },
  killed_with_grandchild() {
    startChild(false);
    process.kill(process.pid, 'SIGKILL');
  },
  die_when_idle() {
    setTimeout(() => process.exit(3), 100);
    return process.pid;
  },
};

// What a worker does before its first task: it comes as the worker's data, where there is no argument for it.
export const initializers = {
  initializer_raises() {
    throw new Error('this initializer raises');
  },
  initializer_dies: () => process.exit(3),
  initializer_hangs() {
    for (;;) sleep(1000);
  },
};
