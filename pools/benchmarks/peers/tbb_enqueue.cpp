#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <future>
#include <memory>
#include <utility>

#include "pools/benchmarks/peers/catalogue.h"
#include "pools/benchmarks/peers/thread_peer.h"

namespace pools::benchmarks {
namespace {

namespace tbb = oneapi::tbb;

struct Enqueue : PeerDefaults {
  static constexpr std::string_view kName = "tbb_enqueue";

  // No slot of the arena is for a producer; the control counts one thread that is none of its workers.
  explicit Enqueue(int workers)
      : threads(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(workers + 1)), arena(workers, 0) {}
  template <class F>
  void post(F f) {
    arena.enqueue(std::move(f));
  }
  template <class F>
  std::future<int> submit(F f) {
    auto promise = std::make_shared<std::promise<int>>();
    std::future<int> future = promise->get_future();
    arena.enqueue([promise = std::move(promise), f] { promise->set_value(f()); });
    return future;
  }
  int result(std::future<int> future) { return future.get(); }

  tbb::global_control threads;
  tbb::task_arena arena;
};

}  // namespace

ThreadPeer tbb_arena_enqueue() { return thread_peer<Enqueue>(); }

}  // namespace pools::benchmarks
