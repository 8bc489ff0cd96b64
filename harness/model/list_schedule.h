#pragma once

// FIFO list scheduling of jobs with known service times on identical servers: MODEL's stage 1, and the parsers of
// `extra`. The fast path of simulate().

#include <cstddef>
#include <cstdint>
#include <vector>

#include "harness/model/case.h"

namespace harness::model {

// k identical servers, each free from a time on. Invariant: a binary heap ordered by (free time, number).
class Servers {
 public:
  // REQUIRES: count >= 1. No more than `jobs` servers are kept: the others would never get one.
  Servers(int count, std::size_t jobs);

  struct Slot {
    std::int64_t start_ns;
    int server;
  };
  // The next job in FIFO order: starts when it is ready and a server is free. O(log k).
  Slot take(std::int64_t ready_ns, std::int64_t service_ns);

 private:
  struct Server {
    std::int64_t free_ns;
    int number;
  };
  std::vector<Server> heap_;
};

// REQUIRES: check(c) passed, !shares_cores(c), !c.coupled.
Prediction schedule_lists(const Case& c);

}  // namespace harness::model
