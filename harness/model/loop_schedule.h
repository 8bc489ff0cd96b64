#pragma once

// An event loop: L threads (Case::workers), at most B tasks in flight (Case::in_flight; 0: any number).
//
// A task starts when it is submitted and fewer than B are in flight, in submission order. It waits, holding nothing; then it
// is ready, and computes on one loop thread to the end, even if that takes no time. What is ready is taken up first in,
// first out by the instant at which it became ready, ties by task. A thread that finds nothing parks; it takes up the next at
// the cost of a wake-up (wake_ns) more than a thread that goes straight on. Whatever is taken up costs dispatch_ns as well.
// Of several threads one that goes straight on is preferred, then the one parked longest, ties by number.
//
// | strategy     | who runs the callback on a loop                                              | in flight until        |
// |--------------|------------------------------------------------------------------------------|------------------------|
// | none         | nobody                                                                       | the task's own end     |
// | worker       | the loop: it waits, is ready, and is taken up by any thread, as tasks are     | the callback's end     |
// | fused        | the task: it goes on with its parsing, on its thread as long as it does not wait | the callback's end     |
// | main         | one server beside the loop, in order of completion                           | the task's own end     |
// | extra        | m parser processes, in order of completion                                   | the task's own end     |
// | collect      | the caller, in submission order, after all submits                            | the task's own end     |
// | as_completed | the caller, in order of completion, after all submits                        | the task's own end     |
// | sync         | the caller, after each result, before the next submit                        | (one at a time)        |
// | map          | refused: a chunk is what a worker takes at once, and a task that waits occupies none |                        |
//
// At one instant everything that ends without a thread (waits, submits) comes before a thread takes anything up, and all
// tasks that end at that instant have ended before one of their callbacks is given to a server, lowest task first. Instants
// less than 2^-20 ns apart are one: computing on shared cores ends within the rounding of the true instant (shared_cores.h).
//
// Loop threads, callback servers and parsers share the cores as everything else does.

#include <string>

#include "harness/model/case.h"

namespace harness::model {

// Exact to the nanosecond unless computing demands share cores or a lock. O(n log n) time, O(n) memory. REQUIRES: check(c)
// passed, c.executor == Executor::loop.
Prediction schedule_loop(const Case& c);

// Why computing demands of the case may slow each other down: "5 compute at once on 2 cores"; empty when they cannot.
// REQUIRES: as above.
std::string loop_contention(const Case& c);

}  // namespace harness::model
