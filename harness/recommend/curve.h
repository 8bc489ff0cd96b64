#pragma once

// The whole curve, predicted: how long so many tasks of a profile take on every pool, number of workers and strategy.
//
// Thread safety: pure functions.

#include <cstdint>
#include <string>
#include <vector>

#include "harness/model/case.h"
#include "harness/recommend/profile.h"

namespace harness::recommend {

// One way to run the work.
struct Choice {
  Pool pool = Pool::thread;
  int workers = 1;
  model::Strategy strategy = model::Strategy::none;
  int parsers = 0;  // > 0 of `extra` only
  int hosts = 0;    // of `remote`: on so many of those that were named, as many workers on each; else 0

  bool operator==(const Choice&) const = default;
};
// "thread pool, 28 workers", "process pool, 2 workers, callbacks in 3 parsers", "pool over 2 hosts, 8 workers"
std::string describe(const Choice& choice);

struct Point {
  Choice choice;
  std::int64_t predicted_ns = 0;
};

// What is to be done: so many tasks, drawn in turn from the profile's, each with a callback where there are any.
struct Batch {
  int tasks = 1;
  model::Demand callback = {};                              // of every task; all zero: there are none
  std::vector<Pool> pools = {Pool::thread, Pool::process};  // that the curve is over
  int hosts = 0;                                            // and over pools on 1 to so many other hosts
  bool python = false;                                      // on CPython's executors, which have strategies of their own
  bool in_processes = true;                                 // whether tasks and results can go to processes: of Python

  bool has_callbacks() const { return callback.service_ns() > 0; }
};

// Who may run the callbacks on that pool: `none` without any.
std::vector<model::Strategy> strategies_on(Pool pool, const Batch& batch);

// Numbers of workers worth a thought: 1, cores, cores*5, the knees, and steps of about a quarter between them, up to `most` and to
// the number of tasks. Sorted, distinct.
std::vector<int> worker_counts(const Profile& profile, const Batch& batch, int most);

// What the model is asked of that choice: the batch's tasks, what the profile knows of overheads, locks and contention.
model::Case case_of(const Profile& profile, const Batch& batch, const Choice& choice);

std::int64_t one_at_a_time_ns(const Profile& profile, const Batch& batch);  // without a pool

std::int64_t predict_ns(const Profile& profile, const Batch& batch, const Choice& choice);

// Every pool x worker_counts() x strategy, of pools over other hosts with so many workers on each; `extra` with the fewest parsers that reach
// the makespan of unlimited ones, or with fewer where to start them takes longer than they save. Best first; of equals the cheaper: fewer
// hosts, fewer workers, threads before processes.
std::vector<Point> predict_curve(const Profile& profile, const Batch& batch, int most_workers);

// Fewer hosts are cheaper, then fewer processes and threads.
bool cheaper(const Choice& a, const Choice& b);

// The few that are to be run: for each pool the best and, with the fewest workers each, what is predicted within a third of `margin` and
// within `margin` of it; the rules of thumb (one per core on both pools, five per core on threads); over each number of hosts, with the
// fewest workers, what is predicted within a third of `margin` of the best there; and, if these are fewer than `most`, what is predicted best of the
// rest. At most max(9 and one per number of hosts, most) of them.
std::vector<Choice> candidates(const std::vector<Point>& curve, const Profile& profile, std::size_t most, double margin = 0.03);

}  // namespace harness::recommend
