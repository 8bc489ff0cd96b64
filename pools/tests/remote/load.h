#pragma once

// Work for a remote pool while something happens to its hosts, and the account of it afterwards. Without GoogleTest, for the chaos uses it, too.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pools/remote_pool.h"
#include "pools/tests/gate.h"

namespace pools::test {

// Says that it has begun, in a file that all hosts share, and takes its time.
inline int begin_and_take(const std::string& log, int task, int microseconds) {
  log_value(log, task);
  if (microseconds > 0) ::usleep(static_cast<useconds_t>(microseconds));
  return task;
}

class Load {
 public:
  // Submits until it is stopped, `ahead` tasks at a time.
  explicit Load(RemotePool& pool, std::size_t ahead = 100, std::uint64_t seed = 1)
      : pool_(pool), log_(directory_.file("log")), submitter_([this, ahead, seed] { submit(ahead, seed); }) {}
  ~Load() { stop(); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  std::uint64_t ended() const noexcept { return ended_.load(); }
  // Returns when so many more tasks have ended.
  void await(std::uint64_t more) const {
    const std::uint64_t target = ended() + more;
    while (ended() < target) std::this_thread::yield();
  }
  void stop() {
    stopping_ = true;
    if (submitter_.joinable()) submitter_.join();
  }

  // What is wrong with what became of the tasks; empty: nothing. REQUIRES: stopped.
  std::string faults() {
    if (!error_.empty()) return error_;
    const PoolMetrics m = pool_.metrics();
    const auto numbers = [&] {
      return std::to_string(submitted_) + " submitted, " + std::to_string(done_.size()) + " done, " + std::to_string(failed_) +
             " failed, " + std::to_string(cancelled_) + " cancelled; the pool counts " + std::to_string(m.submitted) + ", " +
             std::to_string(m.done) + ", " + std::to_string(m.failed) + ", " + std::to_string(m.cancelled);
    };
    if (submitted_ != done_.size() + failed_ + cancelled_ || m.submitted != m.done + m.failed + m.cancelled ||
        m.done < done_.size()) {
      return "they do not balance: " + numbers();
    }
    std::vector<int> ran = logged(log_);
    std::sort(ran.begin(), ran.end());
    std::sort(done_.begin(), done_.end());
    if (const auto twice = std::adjacent_find(ran.begin(), ran.end()); twice != ran.end()) {
      return "task " + std::to_string(*twice) + " began twice; " + numbers();
    }
    if (!std::includes(ran.begin(), ran.end(), done_.begin(), done_.end()))
      return "a task is done that has not begun; " + numbers();
    for (const int task : never_begun_) {
      if (std::binary_search(ran.begin(), ran.end(), task)) return "task " + std::to_string(task) + " was cancelled, and began";
    }
    return "";
  }
  std::uint64_t done() const { return done_.size(); }
  std::uint64_t failed() const { return failed_; }
  std::uint64_t cancelled() const { return cancelled_; }

 private:
  struct Submitted {
    int task;
    Future<int> future;
  };

  void submit(std::size_t ahead, std::uint64_t random) {
    try {
      std::deque<Submitted> under_way;
      for (int task = 0; !stopping_; ++task) {
        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
        const auto draw = static_cast<int>(random >> 33);
        const int microseconds = draw % 10 == 0 ? draw / 10 % 20000 : draw % 300;
        under_way.push_back({.task = task, .future = pool_.submit<&begin_and_take>(log_, task, microseconds)});
        ++submitted_;
        if (draw % 50 == 7) under_way.back().future.cancel();
        while (under_way.size() >= ahead) take_account(under_way);
      }
      while (!under_way.empty()) take_account(under_way);
    } catch (const std::exception& error) {
      error_ = error.what();
    }
  }
  void take_account(std::deque<Submitted>& under_way) {
    const Submitted first = std::move(under_way.front());
    under_way.pop_front();
    constexpr std::chrono::seconds kLost{120};
    try {
      if (first.future.result(kLost) != first.task) throw std::runtime_error("a result of another task");
      done_.push_back(first.task);
    } catch (const CancelledError&) {
      ++cancelled_;
      never_begun_.push_back(first.task);
    } catch (const HostLost&) {
      ++failed_;
    } catch (const WorkerDied&) {
      ++failed_;
    }
    ++ended_;
  }

  RemotePool& pool_;
  const TemporaryDirectory directory_;
  const std::string log_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> ended_{0};
  // The submitter's, until it is stopped.
  std::uint64_t submitted_ = 0;
  std::vector<int> done_;
  std::uint64_t failed_ = 0;
  std::uint64_t cancelled_ = 0;
  std::vector<int> never_begun_;
  std::string error_;
  std::thread submitter_;
};

}  // namespace pools::test
