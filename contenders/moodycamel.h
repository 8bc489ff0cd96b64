#pragma once

// Threads around moodycamel::BlockingConcurrentQueue, the fastest queue that Debian has; it keeps the order of one producer's tasks, not
// that of several.

#include <concurrentqueue/blockingconcurrentqueue.h>

#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "contenders/contender.h"

namespace contenders {

class Moodycamel : public FuturesByPost<Moodycamel> {
 public:
  explicit Moodycamel(int workers) {
    for (int worker = 0; worker < workers; ++worker) threads_.emplace_back([this] { work(); });
  }
  // One empty function stops one worker.
  ~Moodycamel() {
    for (std::size_t worker = 0; worker < threads_.size(); ++worker) queue_.enqueue(nullptr);
    for (std::thread& thread : threads_) thread.join();
  }

  void post(std::function<void()> task) { queue_.enqueue(std::move(task)); }

 private:
  void work() {
    std::function<void()> task;
    for (;;) {
      queue_.wait_dequeue(task);
      if (!task) return;
      task();
      task = nullptr;
    }
  }

  moodycamel::BlockingConcurrentQueue<std::function<void()>> queue_;
  std::vector<std::thread> threads_;
};

}  // namespace contenders
