#pragma once

// The workers of a process pool: which numbers are in use, who is being started, who lives, who idles, and how many there may be.
//
// Invariants:
//   - A number is in use from reserve_number() until its worker is dead or its start is given up: as many are as there are workers that live or
//     are being started, and there are never more of these than the target, but after a resize to fewer.
//   - idle() are those of live() that are ready and have been given nothing; the last one is used first: its memory is warm.
//   - There is room for all of them in each list: nothing but resize() and make_room() allocates, so that a worker is never lost.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include "pools/src/process/worker_process.h"

namespace pools::detail {

using WorkerRef = std::shared_ptr<WorkerProcess>;

// Not thread-safe: guarded by the pool's mutex. live() is changed by the supervisor only, which may read it without the mutex.
class Fleet {
 public:
  using Clock = std::chrono::steady_clock;
  struct Arrival {
    int number = 0;
    WorkerRef worker;            // null: it could not be started
    std::exception_ptr failure;  // why
  };

  explicit Fleet(int target) { resize(target); }
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  int target() const noexcept { return target_; }
  void resize(int target);  // Throws std::bad_alloc, and is as it was

  // --- starts ---
  // The number of a worker to be started; -1 if there may be no more.
  int reserve_number() noexcept;
  bool may_start_more() const noexcept { return living() + starting_ < target_; }
  int coming() const noexcept;                                                        // being started, or not ready yet
  void arrive(Arrival arrival) noexcept { arrivals_.push_back(std::move(arrival)); }  // from the thread that starts processes
  std::optional<Arrival> next_arrival() noexcept;
  // Its worker could not be started, and is not to be: none is before some time has passed.
  void give_up_start(int number) noexcept;
  // The time after which starts are tried again; empty: they are not held up.
  const std::optional<Clock::time_point>& starts_again() const noexcept { return starts_again_; }
  bool start_again_if_due(Clock::time_point now) noexcept;  // true if that was so
  bool no_start_goes_on() const noexcept { return starting_ == 0; }
  // As many are ready as there may be, or as can be: that fewer can has been reported.
  bool complete() const noexcept;

  // --- those that live ---
  const std::vector<WorkerRef>& live() const noexcept { return live_; }
  int living() const noexcept { return static_cast<int>(live_.size()); }
  bool gone() const noexcept { return live_.empty() && starting_ == 0 && arrivals_.empty(); }  // for good, if none is started
  void make_room();                            // for one more to be admitted. Throws std::bad_alloc
  void admit(WorkerRef worker) noexcept;       // it has been started
  void ready(WorkerProcess& worker) noexcept;  // it has answered `prepare`
  void told_to_go(WorkerProcess& worker) noexcept;
  // It is dead. The start of one that was never ready goes on: it is tried once more or given up.
  void remove(const WorkerRef& worker) noexcept;
  // Who is to go: at the end each that idles or is still starting, else those beyond the target that have been idle longest. Null: nobody.
  WorkerRef next_to_go(bool at_the_end) const noexcept;

  // --- those that idle ---
  const std::vector<WorkerRef>& idle() const noexcept { return idle_; }
  void make_idle(const WorkerRef& worker) noexcept;  // if it is ready, and has been given nothing
  WorkerRef take_idle() noexcept { return take_idle(idle_.size() - 1); }
  WorkerRef take_idle(std::size_t index) noexcept;

  // --- counts ---
  void count_crash() noexcept { ++crashed_; }
  void count_respawn() noexcept { ++respawned_; }
  std::uint64_t crashed() const noexcept { return crashed_; }
  std::uint64_t respawned() const noexcept { return respawned_; }

 private:
  void release(int number) noexcept { numbers_[static_cast<std::size_t>(number)] = false; }

  std::vector<bool> numbers_;  // in use
  std::vector<WorkerRef> live_;
  std::vector<WorkerRef> idle_;    // as much room as live_
  std::vector<Arrival> arrivals_;  // as much room as there are numbers
  int target_ = 0;
  int starting_ = 0;  // not in live_ yet
  int ready_ = 0;     // of live_, those that have answered `prepare` and were not told to go
  std::optional<Clock::time_point> starts_again_;
  std::uint64_t crashed_ = 0;
  std::uint64_t respawned_ = 0;
};

}  // namespace pools::detail
