#include <concurrentqueue/blockingconcurrentqueue.h>

#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "pools/benchmarks/peers/catalogue.h"
#include "pools/benchmarks/peers/thread_peer.h"

namespace pools::benchmarks {
namespace {

// Threads around the fastest queue that Debian has; it keeps the order of one producer's tasks, not that of several.
class Moodycamel : public PeerDefaults {
 public:
  static constexpr std::string_view kName = "moodycamel";

  explicit Moodycamel(int workers) {
    for (int worker = 0; worker < workers; ++worker) threads_.emplace_back([this] { work(); });
  }
  // One empty function stops one worker.
  ~Moodycamel() {
    for (std::size_t worker = 0; worker < threads_.size(); ++worker) queue_.enqueue(nullptr);
    for (std::thread& thread : threads_) thread.join();
  }

  void post(std::function<void()> task) { queue_.enqueue(std::move(task)); }
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

}  // namespace

ThreadPeer moodycamel_queue() { return thread_peer<Moodycamel>(); }

}  // namespace pools::benchmarks
