#include "pools/thread_pool.h"

#include <utility>

#include "pools/benchmarks/peers/catalogue.h"
#include "pools/benchmarks/peers/thread_peer.h"

namespace pools::benchmarks {
namespace {

struct Ours : contenders::Defaults {
  explicit Ours(int workers, CallbackOn callbacks = CallbackOn::worker) : pool({.workers = workers, .callbacks = callbacks}) {
    pool.start_all();
  }

  template <class F>
  void post(F f) {
    pool.post(std::move(f));
  }
  template <class F>
  Future<int> submit(F f) {
    return pool.submit(std::move(f));
  }
  int result(Future<int> future) { return future.result(); }
  // For the scenario with callbacks.
  template <class Callback, class F>
  Future<int> submit_with_callback(Callback callback, F f) {
    return pool.submit_with_callback(std::move(callback), std::move(f));
  }

  ThreadPool pool;
};

struct OursWithCallbackThread : Ours {
  explicit OursWithCallbackThread(int workers) : Ours(workers, CallbackOn::callback_thread) {}
};

}  // namespace

ThreadPeer our_thread_pool() {
  ThreadPeer peer = thread_peer<Ours>("thread_pool");
  peer.runs.push_back({"callback_on_worker", "ns/task", Entries::sizes, &scenarios::callbacks<Ours>});
  peer.runs.push_back({"callback_on_callback_thread", "ns/task", Entries::sizes, &scenarios::callbacks<OursWithCallbackThread>});
  peer.runs.push_back({"clients", "ns/task", Entries::five_times, &scenarios::clients<Ours>});
  peer.runs.push_back({"clients_memory", "bytes/task", Entries::five_times, &scenarios::clients_memory<Ours>});
  return peer;
}

}  // namespace pools::benchmarks
