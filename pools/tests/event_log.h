#pragma once

// An observer that remembers. Without GoogleTest, for the fault driver uses it, too.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "pools/observer.h"

namespace pools::test {

class EventLog final : public PoolObserver {
 public:
  void submitted(std::uint64_t task) noexcept override { add("submitted", task); }
  void started(std::uint64_t task, int) noexcept override { add("started", task); }
  void finished(std::uint64_t task, int, Outcome outcome) noexcept override {
    add(outcome == Outcome::done ? "done" : outcome == Outcome::failed ? "failed" : "cancelled", task);
  }
  void worker_up(int, pid_t) noexcept override { ++up; }
  void worker_down(int, pid_t) noexcept override { ++down; }

  std::vector<std::string> of(std::uint64_t task) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> events;
    for (const auto& [event, of] : events_) {
      if (of == task) events.push_back(event);
    }
    return events;
  }
  std::atomic<int> up{0};
  std::atomic<int> down{0};

 private:
  void add(const char* event, std::uint64_t task) {
    const std::lock_guard lock(mutex_);
    events_.emplace_back(event, task);
  }
  mutable std::mutex mutex_;
  std::vector<std::pair<std::string, std::uint64_t>> events_;
};

}  // namespace pools::test
