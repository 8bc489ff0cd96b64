// Owns a JavaScript pool of three workers, does one thing to it, and reports what becomes of its tasks:
//
//   node node_host.mjs POOL NODE_MODULES FAULT DIRECTORY
//
// POOL is a module beside this one; the report is report.py's, in DIRECTORY. The same scenes as python_host.py's.
import { setTimeout as sleep } from 'node:timers/promises';
import fs from 'node:fs';
import path from 'node:path';
import { acts, initializers, ANSWER, LARGE } from './acts.mjs';

const WORKERS = 3;
const STANDING = 2; // tasks that are running beside the faulty one
const QUEUED = 6; // tasks behind it; as many are submitted later
const NOTICE = 3000; // ms that a pool has to notice before the standing tasks go on
const PATIENCE = 15_000; // report.py's HOST_PATIENCE
const TIME_LIMITS = { stopped: 1000, endless: 1000 }; // ms
const MEMORY_LIMITS = { out_of_memory: 64 }; // MiB

const [poolName, modules, fault, directory] = process.argv.slice(2);
const processes = poolName === 'tinypool_processes';
const { open } = await import(`./${poolName}.mjs`);
const descriptor = fs.openSync(path.join(directory, 'report'), 'a');
let pool;
let waited = 0;

// --- the report ---

function say(...fields) {
  fs.writeSync(descriptor, `${fields.map((field) => String(field).split(/\s+/).join(' ').trim()).join('\t')}\n`);
}
const equals = (expected) => (value) => value === expected;

// A task that has been submitted, `end` and `what` once it has ended. What the submit itself throws is how it ended.
function submit(act, args, options) {
  const task = { end: 'lost', what: '', value: undefined };
  const failed = (error) => {
    task.end = 'failed';
    task.what = `${error?.name ?? typeof error}: ${String(error?.message ?? error).slice(0, 200)}`;
  };
  try {
    task.done = pool.submit(act, args, options).then((value) => {
      task.end = 'right';
      task.value = value;
    }, failed);
  } catch (error) {
    failed(error);
    task.done = Promise.resolve();
  }
  return task;
}
// Leaves no timer behind, which would keep the host from its end.
async function within(milliseconds, tasks) {
  const done = new AbortController();
  await Promise.race([
    Promise.all(tasks.map((task) => task.done)),
    sleep(milliseconds, undefined, { signal: done.signal }).catch(() => {}),
  ]);
  done.abort();
}

async function outcomes(role, tasks, rights) {
  await within(PATIENCE, tasks);
  tasks.forEach((task, index) => {
    if (task.end === 'right' && !rights[index](task.value)) {
      task.end = 'wrong';
      task.what = String(task.value).slice(0, 100);
    }
    waited += 1;
    say('task', role, waited, task.end, task.what);
  });
}
const numbers = (count) => [...Array(count).keys()];
async function squares(role) {
  const tasks = numbers(QUEUED).map((number) => submit('square', [number]));
  await outcomes(role, tasks, numbers(QUEUED).map((number) => equals(number * number)));
}

// --- scenes ---

async function openPool() {
  pool = await open(modules, {
    workers: WORKERS,
    initializer: fault in initializers ? fault : '',
    memoryLimit: MEMORY_LIMITS[fault],
  });
}
async function warm() {
  await openPool();
  await within(PATIENCE, numbers(WORKERS).map((number) => submit('meet', [directory, number, WORKERS])));
  say('started');
  return numbers(WORKERS).map((number) => Number.parseInt(read(`met-${number}`), 10));
}
async function stand(count) {
  const tasks = numbers(count).map((number) => submit('stand', [directory, number]));
  while (numbers(count).some((number) => !fs.existsSync(path.join(directory, `standing-${number}`)))) await sleep(5);
  return tasks;
}
const openGate = () => fs.writeFileSync(path.join(directory, 'gate'), '');
async function finish() {
  await squares('later');
  await pool.shutdown();
  say('ended');
}

async function besideOthers(faulty, isRight) {
  const standing = await stand(STANDING);
  const done = faulty();
  const queued = numbers(QUEUED).map((number) => submit('square', [number]));
  await (done.length > 0 ? within(NOTICE, done) : sleep(NOTICE));
  if (fault === 'killed_after_result') await death(Number.parseInt(read('dying'), 10));
  openGate();
  await outcomes('faulty', done, done.map(() => isRight));
  const rights = [...numbers(STANDING), ...numbers(QUEUED)].map((number) => equals(number * number));
  await outcomes('beside', [...standing, ...queued], rights);
}
async function task(act, { count = 1, isRight = equals(ANSWER), argument } = {}) {
  await warm();
  const args = argument === undefined ? [directory] : [directory, argument];
  await besideOthers(() => numbers(count).map(() => submit(act, args, { timeLimit: TIME_LIMITS[fault] })), isRight);
  await finish();
}
async function start() {
  try {
    await openPool();
  } catch (error) {
    say('task', 'later', 0, 'failed', `${error.name}: ${error.message}`);
    say('ended');
    return;
  }
  await squares('beside');
  await finish();
}
const read = (name) => fs.readFileSync(path.join(directory, name), 'utf8');
function alive(pid) {
  try {
    return !'ZX'.includes(fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop()[0]);
  } catch {
    return false;
  }
}
async function death(pid) {
  while (alive(pid)) await sleep(5);
}
// To all, though the pool may end the others as soon as it sees that one is dead.
function send(signal, pids) {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }
}
async function idle(signal, count) {
  const pids = (await warm()).slice(0, count);
  send(signal, pids);
  if (signal === 'SIGKILL') await Promise.all(pids.map(death));
  await squares('beside');
  await finish();
}
// Nobody kills a thread from outside; it can end by itself while it has nothing to do.
async function idleThreads(count) {
  await warm();
  await within(PATIENCE, numbers(count).map(() => submit('die_when_idle', [])));
  await sleep(500);
  await squares('beside');
  await finish();
}
async function allKilledAtWork() {
  const pids = await warm();
  const standing = await stand(WORKERS);
  const queued = numbers(QUEUED).map((number) => submit('square', [number]));
  send('SIGKILL', pids);
  await outcomes('faulty', standing, numbers(WORKERS).map((number) => equals(number * number)));
  await outcomes('beside', queued, numbers(QUEUED).map((number) => equals(number * number)));
  openGate();
  await finish();
}
async function callbackRaises() {
  await warm();
  await besideOthers(() => {
    const faulty = submit('square', [7]);
    faulty.done.then(() => {
      throw new Error('this callback raises');
    });
    return [faulty];
  }, equals(49));
  await finish();
}
async function interrupted() {
  process.on('SIGINT', () => {});
  await warm();
  await besideOthers(() => {
    process.kill(0, 'SIGINT');
    return [];
  }, () => true);
  await finish();
}
async function notShutDown() {
  await warm();
  await squares('later');
  say('ended');
}
async function killedWhile(prepare) {
  await warm();
  await prepare();
  say('ready');
  await sleep(1e8);
}

const noThreads = 'threads cannot be stopped, and their process is the host';
const inapplicable = {
  forks: 'JavaScript has no fork()',
  fork_of_host: 'JavaScript has no fork()',
  undecodable_argument: 'decoding a structured clone runs no code',
  undecodable_result: 'decoding a structured clone runs no code',
  killed_by_argument: 'decoding a structured clone runs no code',
  callback_blocks: "a callback that blocks stops the host's only thread, whatever the pool",
  descriptors_limited: 'JavaScript has no setrlimit()',
  sigchld_ignored: 'JavaScript cannot ignore SIGCHLD',
  foreign_waitpid: 'JavaScript has no waitpid()',
  ...(processes
    ? {}
    : {
        stopped: noThreads,
        idle_stopped: noThreads,
        all_killed_at_work: 'threads cannot be killed from outside',
        killed_mid_result: "a thread's result is not written, but cloned",
        killed_after_result: "a thread's result is not written, but cloned",
      }),
};
const scenes = {
  crash_loop: () => task(processes ? 'killed' : 'exits', { count: 20 }),
  large_result: () => task(fault, { isRight: (value) => value.length === LARGE }),
  killed_mid_result: () => task(fault, { isRight: (value) => value.length === LARGE }),
  nested_result: () => task(fault, { isRight: Array.isArray }),
  unencodable_argument: () => task('takes', { argument: () => ANSWER }),
  callback_raises: callbackRaises,
  idle_killed: () => (processes ? idle('SIGKILL', 1) : idleThreads(1)),
  all_killed_idle: () => (processes ? idle('SIGKILL', WORKERS) : idleThreads(WORKERS)),
  idle_stopped: () => idle('SIGSTOP', 1),
  all_killed_at_work: allKilledAtWork,
  initializer_raises: start,
  initializer_dies: start,
  initializer_hangs: start,
  interrupted,
  stdio_closed: start,
  not_shut_down: notShutDown,
  host_killed_idle: () => killedWhile(() => {}),
  host_killed_at_work: () => killedWhile(() => stand(WORKERS)),
  host_killed_with_grandchild: () => killedWhile(() => within(PATIENCE, [submit('grandchild', [directory])])),
};
if (fault in inapplicable) say('inapplicable', inapplicable[fault]);
else if (fault in scenes) await scenes[fault]();
else if (fault in acts) await task(fault);
else throw new Error(`no fault is called ${fault}`);
