#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <queue>
#include <thread>
#include <utility>
#include <vector>

#include "pools/benchmarks/peers/catalogue.h"
#include "pools/benchmarks/peers/thread_peer.h"

namespace pools::benchmarks {
namespace {

// The pool of every textbook.
class MutexCondvar : public PeerDefaults {
 public:
  static constexpr std::string_view kName = "mutex_condvar";

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
  template <class F>
  std::future<int> submit(F f) {
    auto task = std::make_shared<std::packaged_task<int()>>(std::move(f));
    std::future<int> future = task->get_future();
    post([task = std::move(task)] { (*task)(); });
    return future;
  }
  int result(std::future<int> future) { return future.get(); }

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

}  // namespace

ThreadPeer mutex_condvar() { return thread_peer<MutexCondvar>(); }

}  // namespace pools::benchmarks
