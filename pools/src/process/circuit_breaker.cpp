#include "pools/src/process/circuit_breaker.h"

#include <exception>
#include <utility>

#include "pools/errors.h"
#include "pools/src/base/mutex.h"
#include "pools/src/process/words.h"

namespace pools::detail {
namespace {

constexpr int kMaxFailedStarts = 3;  // in a row, of workers that die before they are ready

}  // namespace

void CircuitBreaker::start_failed(int number, const std::string& cause) noexcept {
  bool again = false;
  bool none_left = false;
  bool broken = false;
  {
    const Lock lock(pool_.mutex);
    ++failed_starts_;
    broken = pool_.broken.has_value();
    const bool needed = !pool_.closing || !pool_.backlog.nothing_left();
    again = failed_starts_ < kMaxFailedStarts && needed;
    if (!again) {
      pool_.fleet.give_up_start(number);
      none_left = pool_.fleet.live().empty() && pool_.fleet.no_start_goes_on();
    }
  }
  if (again) return starter_.start(number);
  if (failed_starts_ >= kMaxFailedStarts && none_left) {
    return break_pool(words([&] { return "workers cannot be started: " + cause; }));
  }
  if (!broken && !std::exchange(warned_of_starts_, true)) {
    report_error("starting a worker (the pool goes on with fewer)", error_or(pool_.spare_break, [&] { return Error(cause); }));
  }
  pool_.notify();
}

void CircuitBreaker::break_by_crashes(const std::string& last) noexcept {
  break_pool(words([&] {
    return std::to_string(deaths_in_row_) + " workers died one after the other without a task having ended; the last: " + last;
  }));
}

void CircuitBreaker::break_pool(std::string cause) noexcept {
  const std::exception_ptr error =
      error_or(pool_.spare_break, [&] { return BrokenPoolError("the process pool is broken: " + cause); });
  const auto take_all = [&] {
    const Lock lock(pool_.mutex);
    if (!pool_.broken) pool_.broken = std::move(cause);
    pool_.closing = true;
    pool_.seen_closing = true;
    pool_.paused = false;
    pool_.take_all_back();
    TaskList all = pool_.backlog.take_all();
    all.for_each([&](const RemoteTask&) { pool_.events.answering_begins(); });
    return all;
  };
  TaskList failed = take_all();
  pool_.room.made();
  while (!failed.empty()) {
    const TaskRef task = failed.pop_front();
    if (pool_.events.claim(*task, PoolObserver::kNoWorker)) pool_.events.finish(*task, PoolObserver::kNoWorker, error);
  }
  pool_.notify();
  supply_.stop_idle_workers();
}

}  // namespace pools::detail
