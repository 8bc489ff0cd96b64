#pragma once

// What a thread pool queues.

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>

#include "pools/detail/futex.h"

namespace pools::detail {

class FutureState;
class JobEvents;
class Runner;
struct JobGroup;

// What only some jobs need: those submitted with options, and all of a pool that is bounded, timed or observed.
struct JobExtras {
  int priority = 0;
  std::uint64_t number = 0;                              // the pool's count of submissions before this one
  class Job* child = nullptr;                            // the heap's
  JobGroup* group = nullptr;                             // its concurrency group, or none
  Deadline start_by;                                     // to be cancelled then, if it is still pending
  std::chrono::steady_clock::time_point submitted_at{};  // only in a pool with timing
  std::chrono::steady_clock::time_point started_at{};    // likewise
};

// Owned by the queue, then by who runs it; ended by exactly one of the calls, which also gives the ownership up.
class Job {
 public:
  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  virtual void run(Runner& runner) noexcept = 0;
  virtual void cancel(JobEvents& events) noexcept = 0;
  virtual void fail(const std::exception_ptr& error, JobEvents& events) noexcept = 0;  // instead of running it
  virtual void discard() noexcept = 0;                                                 // it was never accepted: nobody is told
  virtual bool pending() const noexcept { return true; }  // false, from then on: it was cancelled, or run where it was waited for

  int priority() const noexcept { return extras ? extras->priority : 0; }
  JobGroup* group() const noexcept { return extras ? extras->group : nullptr; }

  Job* next = nullptr;                // the queue's
  std::unique_ptr<JobExtras> extras;  // null for most

 protected:
  ~Job() = default;

  // What its pool is told of one that ends without having been run (job_events.h).
  void report_dropped(JobEvents& events) noexcept;                     // cancelled before; the queue lets go of it
  void report_stateless_cancelled(JobEvents& events) noexcept;         // it has no state, and was dropped from the queue
  void report_failed(JobEvents& events, FutureState* state) noexcept;  // without having been started
};

}  // namespace pools::detail
