// What a task or callback does: the same works as workloads/work.h has, with the same digests. In two forms, for who may hold its thread
// while it waits and for an event loop.

import { readlinkSync } from "node:fs";
import { connect } from "node:net";

export const KINDS = ["sleep", "blocking_sleep", "spin", "gil_spin", "mixed", "tcp_echo"];
const ECHO_MARK = 0x6f686365706f6f6cn; // "loopecho"

export const now = () => process.hrtime.bigint(); // CLOCK_MONOTONIC

const wrap = (value) => BigInt.asUintN(64, value);

function splitmix64(state) {
  state = wrap(state + 0x9e3779b97f4a7c15n);
  let value = wrap((state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
  value = wrap((value ^ (value >> 27n)) * 0x94d049bb133111ebn);
  return [value ^ (value >> 31n), state];
}

const combine = (digest, value) => splitmix64((wrap(digest << 23n) | (digest >> 41n)) ^ value)[0];

function combineBytes(digest, bytes) {
  digest = combine(digest, BigInt(bytes.length));
  const whole = Buffer.alloc(Math.ceil(bytes.length / 8) * 8);
  bytes.copy(whole);
  for (let at = 0; at < whole.length; at += 8) digest = combine(digest, whole.readBigUInt64LE(at));
  return digest;
}

function seededBytes(seed, size) {
  const bytes = Buffer.alloc(Math.ceil(size / 8) * 8);
  for (let at = 0; at < bytes.length; at += 8) {
    const [word, next] = splitmix64(seed);
    bytes.writeBigUInt64LE(word, at);
    seed = next;
  }
  return bytes.subarray(0, size);
}

// In halves of 32 bits: a BigInt would be allocated per operation, which makes a step thirty times as long.
export function spinSteps(state, steps) {
  let high = Number(state >> 32n);
  let low = Number(state & 0xffffffffn);
  for (; steps > 0; --steps) {
    const xLow = (low ^ ((low >>> 29) | (high << 3))) >>> 0;
    const xHigh = (high ^ (high >>> 29)) >>> 0;
    // times 0xd6e8feb86659fd93, by halves of the halves
    const a0 = xLow & 0xffff;
    const a1 = xLow >>> 16;
    const bottom = a0 * 0xfd93;
    const middle = a0 * 0x6659 + a1 * 0xfd93 + Math.floor(bottom / 65536);
    const top = a1 * 0x6659 + Math.floor(middle / 65536);
    low = (((middle & 0xffff) << 16) | (bottom & 0xffff)) >>> 0;
    high = (top + Math.imul(xHigh, 0x6659fd93) + Math.imul(xLow, 0xd6e8feb8)) >>> 0;
    low += 0x7f4a7c15;
    const carry = low > 0xffffffff ? 1 : 0;
    low >>>= 0;
    high = (high + 0x9e3779b9 + carry) >>> 0;
  }
  return (BigInt(high) << 32n) | BigInt(low);
}

// As a question has it: its seed is text.
export function workOf([kind, port, wait, units, bytes, seed]) {
  if (!KINDS.includes(kind)) throw new Error(`no such work: ${kind}; there are ${KINDS.join(", ")}`);
  return { kind, port, wait, units, bytes, seed: BigInt(seed) };
}

function compute({ kind, units, seed }) {
  const named = combineBytes(seed, Buffer.from(kind));
  return kind.endsWith("sleep") ? named : spinSteps(named, units);
}

// V8 compiles what is often called, in each thread anew: a cold step takes twenty times as long as those that were calibrated.
export function warmUp() {
  for (let seed = 0n; seed < 300n; ++seed) compute({ kind: "spin", units: 2000, seed });
}

function echo({ port, wait, bytes, seed }) {
  const payload = seededBytes(combineBytes(seed, Buffer.from("tcp_echo")), bytes);
  const head = Buffer.alloc(24);
  [ECHO_MARK, BigInt(wait), BigInt(bytes)].forEach((word, i) => head.writeBigUInt64LE(word, 8 * i));
  return new Promise((resolve, reject) => {
    const pieces = [];
    let missing = bytes;
    const peer = connect({ host: "127.0.0.1", port, noDelay: true }, () => peer.write(Buffer.concat([head, payload])));
    const done = () => {
      peer.resetAndDestroy(); // no pair of ports is kept for a minute
      const answer = Buffer.concat(pieces);
      if (!answer.equals(payload)) return reject(new Error("tcp_echo: the answer differs from what was sent"));
      resolve(combineBytes(seed, answer));
    };
    peer.on("data", (piece) => {
      pieces.push(piece);
      missing -= piece.length;
      if (missing <= 0) done();
    });
    peer.on("end", () => reject(new Error("tcp_echo: the server ended the connection before its answer was complete")));
    peer.on("error", (error) => reject(new Error(`tcp_echo: ${error.message}`)));
    if (bytes === 0) peer.on("connect", done);
  });
}

const nobody = new Int32Array(new SharedArrayBuffer(4));
function hold(ns) {
  const end = now() + BigInt(ns);
  for (let left = end - now(); left > 0n; left = end - now()) Atomics.wait(nobody, 0, 0, Number(left) / 1e6);
}

// Timers of Node count in milliseconds, and may be one early.
async function waitOnLoop(ns) {
  const end = now() + BigInt(ns);
  for (let left = end - now(); left > 0n; left = end - now()) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(1, Math.ceil(Number(left) / 1e6))));
  }
}

let here; // [pid, tid] of this thread
function thread() {
  here ??= readlinkSync("/proc/thread-self").split("/task/").map(Number);
  return here;
}

// [started, finished, pid, tid, cpu, digest]. What a thread of its own has computed Node knows from version 23 on.
function outcome(started, cpu, digest) {
  const finished = now();
  return [started, finished, ...thread(), cpuTime() - cpu, digest];
}
function cpuTime() {
  const used = process.threadCpuUsage?.();
  return used ? (used.user + used.system) * 1000 : 0;
}

// Holds its thread while it waits; a socket alone is awaited.
export async function execute(work) {
  const cpu = cpuTime();
  const started = now();
  if (work.kind === "tcp_echo") return outcome(started, cpu, await echo(work));
  if (work.wait > 0) hold(work.wait);
  return outcome(started, cpu, compute(work));
}

// Holds it while it computes, and in blocking_sleep.
export async function executeOnLoop(work) {
  const started = now();
  if (work.kind === "tcp_echo") return outcome(started, cpuTime(), await echo(work));
  if (work.kind === "blocking_sleep") hold(work.wait);
  else if (work.wait > 0) await waitOnLoop(work.wait);
  const cpu = cpuTime();
  return outcome(started, cpu, compute(work));
}
