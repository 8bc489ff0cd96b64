#pragma once

// The start of all workers of an agent's pool. It takes as long as their initializers do, so that it has a thread of its own; everything here is
// for the agent's.

#include <atomic>
#include <exception>
#include <thread>
#include <utility>

#include "pools/process_pool.h"
#include "pools/src/remote/dealer.h"

namespace pools::detail {

class WorkersStart {
 public:
  explicit WorkersStart(Dealer& dealer) : dealer_(dealer) {}
  ~WorkersStart() { join(); }
  WorkersStart(const WorkersStart&) = delete;
  WorkersStart& operator=(const WorkersStart&) = delete;

  // The dealer is woken when it is over. No effect while it goes on. The pool must outlive it. Throws std::system_error.
  void begin(ProcessPool& pool) {
    if (thread_.joinable()) return;
    thread_ = std::thread([this, &pool] {
      try {
        pool.start_all();
      } catch (...) {
        error_ = std::current_exception();
      }
      over_.store(true, std::memory_order_release);
      dealer_.wake();
    });
  }
  // Whether it is over; then once only. Throws what start_all has thrown.
  bool is_over() {
    if (!over_.load(std::memory_order_acquire)) return false;
    join();
    if (const std::exception_ptr error = std::exchange(error_, nullptr)) std::rethrow_exception(error);
    return true;
  }
  // Returns when it is over, or was none: soon, if the pool has been shut down. What came of it is forgotten.
  void give_up() noexcept {
    join();
    error_ = nullptr;
  }

 private:
  void join() noexcept {
    if (thread_.joinable()) thread_.join();
    over_.store(false, std::memory_order_relaxed);  // Relaxed: no other thread is left
  }

  Dealer& dealer_;
  std::thread thread_;
  std::exception_ptr error_;  // the thread's until `over_`
  // Release when set: error_; pairs with the acquire in is_over().
  std::atomic<bool> over_{false};
};

}  // namespace pools::detail
