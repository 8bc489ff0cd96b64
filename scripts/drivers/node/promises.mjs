// Promises on Node's one event loop, which is the thread that submits, too.

import { executeOnLoop, warmUp } from "./works.mjs";

// First come, first served. 0: any number.
class Room {
  constructor(most) {
    this.left = most > 0 ? most : Infinity;
    this.waiting = [];
  }
  async enter() {
    if (this.left > 0) --this.left;
    else await new Promise((resolve) => this.waiting.push(resolve));
  }
  leave() {
    const next = this.waiting.shift();
    if (next) next();
    else ++this.left;
  }
}

export class Promises {
  constructor({ in_flight }) {
    this.room = new Room(in_flight);
  }
  async start() {
    warmUp();
  }
  async stop() {}

  parse = executeOnLoop;

  async bounded(body) {
    await this.room.enter();
    try {
      return await body();
    } finally {
      this.room.leave();
    }
  }
  submit(task) {
    return this.bounded(() => executeOnLoop(task));
  }
  // The callback follows at once.
  submitBoth(task, callback) {
    return this.bounded(async () => [await executeOnLoop(task), await executeOnLoop(callback)]);
  }
  // It has its turn behind all that is ready.
  submitContinued(task, callback) {
    return this.bounded(async () => {
      const done = await executeOnLoop(task);
      await new Promise(setImmediate);
      return [done, await executeOnLoop(callback)];
    });
  }
}
