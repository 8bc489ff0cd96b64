// Parser processes, for `extra`: more programs that work on the returned values.

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

import { executeOnLoop, warmUp } from "./works.mjs";

const THIS = fileURLToPath(import.meta.url);

export class Parsers {
  constructor(count) {
    this.waiting = []; // works and how their promises are settled, first come, first served
    this.idle = [];
    this.used = []; // of each, at its end
    this.processes = Array.from({ length: count }, () => fork(THIS, ["parser"], { serialization: "advanced" }));
  }
  start() {
    return Promise.all(
      this.processes.map(
        (parser) =>
          new Promise((resolve, reject) => {
            parser.once("message", resolve);
            parser.once("exit", () => reject(new Error("a parser process died")));
          }).then(() => {
            parser.on("message", (answer) => this.answered(parser, answer));
            parser.on("exit", () => parser.busy?.reject(new Error("a parser process died")));
            this.idle.push(parser);
          }),
      ),
    );
  }
  pids() {
    return this.processes.map((parser) => parser.pid);
  }

  handOver(work) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ work, resolve, reject });
      this.feed();
    });
  }
  feed() {
    while (this.idle.length > 0 && this.waiting.length > 0) {
      const parser = this.idle.shift();
      parser.busy = this.waiting.shift();
      parser.send(parser.busy.work);
    }
  }
  answered(parser, { outcome, error, used }) {
    if (used) return void this.used.push(used);
    const { resolve, reject } = parser.busy;
    parser.busy = undefined;
    this.idle.push(parser);
    this.feed();
    if (error) reject(new Error(error));
    else resolve(outcome);
  }

  async stop() {
    const ended = this.processes.map((parser) => new Promise((resolve) => parser.once("exit", resolve)));
    this.processes.forEach((parser) => parser.send("stop"));
    await Promise.all(ended);
  }
}

async function parse(work) {
  if (work === "stop") {
    const used = process.resourceUsage();
    return process.send({ used }, () => process.exit(0));
  }
  try {
    process.send({ outcome: await executeOnLoop(work) });
  } catch (error) {
    process.send({ error: error.message });
  }
}

if (process.argv[1] === THIS && process.argv[2] === "parser") {
  process.on("disconnect", () => process.exit(1));
  process.on("message", parse);
  warmUp();
  process.send("here");
}
