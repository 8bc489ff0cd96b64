#pragma once

// The capacity of a case: how many tasks a second it can serve for ever, and what sets it.
//
// Thread safety: pure functions.

#include <string_view>
#include <vector>

#include "harness/model/case.h"

namespace harness::model {

// What one kind of server of a case can do, in tasks per second; infinite where a task takes it no time.
//   workers           k over the mean time for which a task holds one: its dispatch, its service and, under `worker` and `fused`, its callback
//   callback thread   one thread's, over the mean callback: `main`, `collect`, `as_completed`; m `parsers`' under `extra`
//   cores             P over the mean of what task and callback compute; a `lock`, 1 over what they compute under it
//   submitting        1 over the cost of a submit; `routing` likewise
// Of an event loop a task holds none of its L threads (`workers`) while it waits: they serve what is computed, and B `in flight` bound the whole.
struct Limit {
  std::string_view server;
  double per_s = 0;
};

// Those that the case has, at least the submitting thread and the workers. Tasks that arrive and batches have the same.
// REQUIRES: check(c) does not throw.
std::vector<Limit> limits(const Case& c);

// The least of them.
Limit least_limit(const Case& c);
double capacity_per_s(const Case& c);

// The same with any number of workers and in flight: what cores, locks, callback servers and the submitting thread can do.
double ceiling_per_s(const Case& c);

}  // namespace harness::model
