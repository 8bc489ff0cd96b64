#pragma once

// Why a case takes as long as it does: the chain of activities that leads to the makespan without a gap, each with what
// it had to wait for. Read off a Prediction, so it is exact where the prediction is.
//
// Thread safety: pure functions.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "harness/model/case.h"

namespace harness::model {

enum class Activity {
  submit,         // the submitting thread; Link::task is the last of those it submitted
  wait,           // of a task on an event loop, where waiting holds nothing
  dispatch,       // the worker, before a task; a loop thread that wakes up and turns to what is ready
  task,           // on an event loop: its computing
  routing,        // the main process hands a result to the parsers
  callback_wait,  // on an event loop
  callback
};
std::string_view name(Activity activity);

// What an activity began upon.
enum class Released {
  at_once,         // nothing came before: 0 ns
  by_submission,   // the task was not submitted earlier
  by_worker,       // the worker was busy with Link::after
  by_dispatch,     // the dispatch of the same task
  by_task,         // the task whose callback or hand-over it is had just ended
  by_chunk,        // the chunk of the task had just ended, with task Link::after
  by_server,       // the callback's server was busy with Link::after
  by_router,       // the main process was busy handing over Link::after
  by_last_submit,  // the caller submits everything before it looks at a result
  by_refill,       // coupled dispatch: the queue was refilled only after the callback of Link::after
  by_wait,         // event loop: its own wait had just ended
  by_room          // event loop: no place in flight was free before Link::after left one
};

// One link of the chain. Tasks from 0, in submission order.
struct Link {
  Activity activity = Activity::task;
  std::size_t task = 0;
  int server = 0;  // worker or callback server, as TaskTimes; 0 for submit, routing and waits on a loop
  std::int64_t start_ns = 0;
  std::int64_t finish_ns = 0;
  std::int64_t alone_ns = 0;  // what it takes on a core of its own: less than it took where cores or a lock are shared
  Released released = Released::at_once;
  std::size_t after = 0;
};

// From 0 to the makespan: each link starts where the one before it ends. Links of no length are left out unless the whole makespan is 0. Where several chains tie, the one that stays with the
// same task, then the same worker. O(n log n). REQUIRES: `prediction` is simulate(c).
std::vector<Link> critical_path(const Case& c, const Prediction& prediction);

}  // namespace harness::model
