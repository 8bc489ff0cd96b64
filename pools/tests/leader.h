#pragma once

// Threads that wait for a process pool's answer and lead meanwhile (pools/src/process/leadership.h), as the kernel sees them sleep.

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pools/future.h"
#include "pools/tests/expectations.h"
#include "pools/tests/process_checks.h"
#include "pools/wait.h"

namespace pools::test {

// Waits as nobody does who may lead: with a limit.
template <class T>
bool is_done_in_time(const Future<T>& future) {
  return wait(std::vector{future}, std::chrono::seconds(20)).not_done.empty();
}

inline std::string status_of(pid_t thread, const std::string& file) {
  return "/proc/self/task/" + std::to_string(thread) + "/" + file;
}

inline long call_of(pid_t thread) {
  long call = -1;  // none: it runs
  std::ifstream(status_of(thread, "syscall")) >> call;
  return call;
}
inline bool sleeps_on_a_word(pid_t thread) { return call_of(thread) == SYS_futex; }
// In epoll_wait: on what a supervisor sleeps on, and nobody else here.
inline bool sleeps_on_events(pid_t thread) {
  const long call = call_of(thread);
#ifdef SYS_epoll_wait
  if (call == SYS_epoll_wait) return true;
#endif
  return call == SYS_epoll_pwait;
}

// How often it has slept.
inline long sleeps_of(pid_t thread) {
  std::ifstream status(status_of(thread, "status"));
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("voluntary_ctxt_switches:", 0) == 0) return std::stol(line.substr(line.find(':') + 1));
  }
  return -1;
}

inline pid_t supervisor() {
  const pid_t thread = thread_named("pool_supervisor");
  EXPECT_NE(thread, 0) << "there is no supervisor";
  return thread;
}

// A thread that calls result(), and leads when this is made. REQUIRES: the future is not done, and nobody else leads.
template <class T>
class Leader {
 public:
  explicit Leader(Future<T> future) {
    const pid_t asleep = supervisor();
    wait_until([&] { return sleeps_on_events(asleep); });
    thread_ = std::thread([this, future = std::move(future)] {
      id_ = ::gettid();
      try {
        value_ = future.result();
      } catch (...) {
        error_ = std::current_exception();
      }
    });
    wait_until([this] { return id_ != 0 && sleeps_on_events(id_); });
  }
  ~Leader() {
    if (thread_.joinable()) thread_.join();
  }
  Leader(const Leader&) = delete;
  Leader& operator=(const Leader&) = delete;

  T result() {
    thread_.join();
    if (error_) std::rethrow_exception(error_);
    return value_;
  }

 private:
  std::atomic<pid_t> id_{0};
  std::exception_ptr error_;
  T value_{};
  std::thread thread_;
};

}  // namespace pools::test
