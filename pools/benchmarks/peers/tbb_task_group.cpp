#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <atomic>
#include <future>
#include <utility>

#include "pools/benchmarks/peers/catalogue.h"
#include "pools/benchmarks/peers/thread_peer.h"

namespace pools::benchmarks {
namespace {

namespace tbb = oneapi::tbb;

// Waiting for the group runs its tasks: a producer is one more worker. Four producers at most, each with a slot of the arena
// and a group of its own.
struct TaskGroup : contenders::Defaults {
  static constexpr ExecutedBy kExecutedBy = ExecutedBy::helping;
  static constexpr int kProducers = 4;

  explicit TaskGroup(int count) : workers(count) {}

  void producers(int count, const std::function<void(int)>& body) {
    const tbb::global_control threads(tbb::global_control::max_allowed_parallelism,
                                      static_cast<std::size_t>(workers + kProducers));
    tbb::task_arena arena(workers + count, static_cast<unsigned>(count));
    Defaults::producers(count, [&](int index) {
      arena.execute([&] {
        tbb::task_group own;
        group = &own;
        body(index);
        own.wait();
        group = nullptr;
      });
    });
  }

  template <class F>
  void post(F f) {
    group->run(std::move(f));
  }
  template <class F>
  std::future<int> submit(F f) {
    std::promise<int> promise;
    std::future<int> future = promise.get_future();
    group->run([promise = std::make_shared<std::promise<int>>(std::move(promise)), f] { promise->set_value(f()); });
    return future;
  }
  int result(std::future<int> future) {
    if (future.wait_for(std::chrono::seconds(0)) != std::future_status::ready) group->wait();
    return future.get();
  }
  void drain() { group->wait(); }

  const int workers;
  static inline thread_local tbb::task_group* group = nullptr;
};

}  // namespace

ThreadPeer tbb_task_group() { return thread_peer<TaskGroup>("tbb_task_group"); }

}  // namespace pools::benchmarks
