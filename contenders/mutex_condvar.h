#pragma once

// The pool of every textbook: a queue, a mutex, a condition variable.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <queue>
#include <thread>
#include <utility>
#include <vector>

#include "contenders/contender.h"

namespace contenders {

class MutexCondvar : public FuturesByPost<MutexCondvar> {
 public:
  explicit MutexCondvar(int workers) {
    for (int worker = 0; worker < workers; ++worker) threads_.emplace_back([this] { work(); });
  }
  ~MutexCondvar() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    not_empty_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void post(std::function<void()> task) {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push(std::move(task));
    }
    not_empty_.notify_one();
  }

 private:
  void work() {
    for (;;) {
      std::unique_lock lock(mutex_);
      not_empty_.wait(lock, [this] { return stopped_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop();
      lock.unlock();
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable not_empty_;
  // Guarded by mutex_.
  std::queue<std::function<void()>> tasks_;
  bool stopped_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace contenders
