#pragma once

// The load under which every fault happens: tasks in flight, small ones and some whose arguments and results do not fit a ring, each
// result compared with what it has to be.

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>

#include "pools/process_pool.h"

namespace pools::faults {

class Bystanders {
 public:
  // Keeps `at_a_time` tasks in the pool until finish().
  explicit Bystanders(ProcessPool& pool, int at_a_time = 24);
  ~Bystanders();
  Bystanders(const Bystanders&) = delete;
  Bystanders& operator=(const Bystanders&) = delete;

  // Returns when `results` more have come back, right ones. Throws Failure when none will.
  void await(std::uint64_t results);

  struct Outcome {
    std::uint64_t right = 0;
    std::uint64_t died = 0;  // their worker did
    std::uint64_t cancelled = 0;
    std::uint64_t refused = 0;  // by a pool that is shut down or broken, at the submit or afterwards
  };
  // No further task; waits for those in flight. Throws Failure if a result was wrong or an exception a strange one.
  Outcome finish();

 private:
  void run(int at_a_time);
  void take(Future<std::string>& future, const std::string& expected);

  ProcessPool& pool_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> results_{0};  // changes with each; kOver added at the end
  static constexpr std::uint64_t kOver = std::uint64_t{1} << 62;
  Outcome outcome_;      // the thread's until it is joined
  std::string problem_;  // likewise
  std::thread thread_;
};

// A pool that is at work.
class BusyPool {
 public:
  explicit BusyPool(ProcessPoolOptions options = {}, int at_a_time = 24);

  ProcessPool* operator->() { return &pool_; }
  ProcessPool& operator*() { return pool_; }
  Bystanders& others() { return others_; }

  // Lets the bystanders come to their end, looks whether the pool still works, shuts it down, and checks that it has lost no task and
  // at most `most_lost` of the bystanders to deaths that were not theirs.
  void finish(std::uint64_t most_lost = 0);

 private:
  ProcessPool pool_;
  Bystanders others_;
};

// submitted = done + failed + cancelled, nothing queued or running. REQUIRES: shut down.
void expect_balance(const ProcessPool& pool);

}  // namespace pools::faults
