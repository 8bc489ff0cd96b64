#include <future>
#include <utility>
#include <vector>

#include "pools/benchmarks/peers/catalogue.h"
#include "pools/benchmarks/peers/thread_peer.h"

namespace pools::benchmarks {
namespace {

// A thread per task. Whoever drops the future waits for the thread, so that a detached task is one whose future is kept until
// drain(); and each keeps a stack, of which a process has room for some ten thousand.
struct Async : PeerDefaults {
  static constexpr std::string_view kName = "std_async";
  static constexpr ExecutedBy kExecutedBy = ExecutedBy::thread_per_task;
  static constexpr std::int64_t kMostTasks = 10'000;

  explicit Async(int /*workers*/) {}

  template <class F>
  void post(F f) {
    posted.push_back(std::async(std::launch::async, std::move(f)));
  }
  template <class F>
  std::future<int> submit(F f) {
    return std::async(std::launch::async, std::move(f));
  }
  int result(std::future<int> future) { return future.get(); }
  void drain() { posted.clear(); }

  static inline thread_local std::vector<std::future<void>> posted;
};

}  // namespace

ThreadPeer std_async() {
  ThreadPeer peer = thread_peer<Async>();
  peer.runs.push_back({"clients", "ns/task", Entries::five_times, &scenarios::clients<Async>});
  peer.runs.push_back({"clients_memory", "bytes/task", Entries::five_times, &scenarios::clients_memory<Async>});
  return peer;
}

}  // namespace pools::benchmarks
