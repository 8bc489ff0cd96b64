#pragma once

// A contender behind one seam: what the harness sweeps. A virtual call, a std::function and a count per task, some 100 ns: nothing beside
// the tasks of a sweep. The race calls contenders without either.

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <utility>

#include "contenders/contender.h"

namespace contenders {

class PostingPool {
 public:
  virtual ~PostingPool() = default;  // returns when all tasks have run
  // Runs `task` once. By the thread that runs submitting()'s body.
  virtual void post(std::function<void()> task) = 0;
  // Calls body once, on this thread, with every worker there where they are there only for as long as somebody submits (OpenMP), and waits
  // for the tasks then. What body throws, this throws.
  virtual void submitting(const std::function<void()>& body) = 0;
};

// A contender as it was registered.
struct Registered {
  std::string_view name;
  std::string_view summary;
  std::string_view missing = {};  // what this build lacks for it, and what helps; empty: nothing
  ExecutedBy executed_by = ExecutedBy::workers;
  std::unique_ptr<PostingPool> (*make)(int workers) = nullptr;  // null: missing
};

// All of them, in the order of their registration. Constant.
std::span<const Registered> registered();

template <Contender C>
std::unique_ptr<PostingPool> make_posting_pool(int workers) {
  class Posting final : public PostingPool {
   public:
    explicit Posting(int count) : pool_(count) {}
    // Not every library's destructor waits (oneTBB's), and a task may use what its poster has.
    ~Posting() override {
      std::unique_lock lock(mutex_);
      none_left_.wait(lock, [this] { return posted_ == 0; });
    }
    void post(std::function<void()> task) override {
      {
        const std::lock_guard lock(mutex_);
        ++posted_;
      }
      pool_.post([this, task = std::move(task)] {
        task();
        const std::lock_guard lock(mutex_);
        if (--posted_ == 0) none_left_.notify_all();
      });
    }
    void submitting(const std::function<void()>& body) override {
      std::exception_ptr failure;  // nothing may leave a parallel region
      pool_.producers(1, [&](int) {
        try {
          body();
        } catch (...) {
          failure = std::current_exception();
        }
        pool_.drain();
      });
      if (failure) std::rethrow_exception(failure);
    }

   private:
    std::mutex mutex_;
    std::condition_variable none_left_;
    std::int64_t posted_ = 0;  // and not ended; guarded by mutex_
    C pool_;
  };
  return std::make_unique<Posting>(workers);
}

}  // namespace contenders
