#pragma once

// What another library's thread pool has to have to be compared with this project's: a class that models Contender, in a file of its
// own in this folder, and a line in CMakeLists.txt. It takes part in the race (pools/benchmarks) and in the sweep (harness).

#include <concepts>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string_view>
#include <utility>

namespace contenders {

// Who may run a task, as the library's documentation has it. Who did is measured.
enum class ExecutedBy {
  workers,          // the pool's threads only
  helping,          // the producer too, while it waits or while it submits
  thread_per_task,  // a new thread each: there are no workers
  caller,           // no pool at all: the work itself, to compare with
};
std::string_view name_of(ExecutedBy executed_by);

// A pool C is constructed with its number of workers, is destroyed when all its tasks have run, and
//   post(f)       runs f() once
//   submit(f)     the same; gives something movable to wait for f()'s int with
//   result(w)     waits for it on the thread that submitted it, which may help; once per submit
//   drain()       on a submitting thread: helps until what this thread has submitted is done, if that is what the pool is
//                 for; else returns at once
//   producers(n, body)   calls body(0) ... body(n - 1), each on a thread that may submit, and returns when all have returned
// These are called by producers only, inside of producers(). f is copyable, at most 16 bytes, and throws nothing.
template <class C>
concept Contender = std::constructible_from<C, int> && requires(C& pool, void (*task)(), int (*valued)()) {
  { C::kExecutedBy } -> std::convertible_to<ExecutedBy>;
  // post may run the task before it returns, so that a task which waits for the producer would wait for ever.
  { C::kRunsInline } -> std::convertible_to<bool>;
  // More tasks than this at a time are more than it can take.
  { C::kMostTasks } -> std::convertible_to<std::int64_t>;
  pool.post(task);
  { pool.result(pool.submit(valued)) } -> std::same_as<int>;
  pool.drain();
  pool.producers(1, [](int) {});
};

// What most have in common.
struct Defaults {
  static constexpr ExecutedBy kExecutedBy = ExecutedBy::workers;
  static constexpr bool kRunsInline = false;
  static constexpr std::int64_t kMostTasks = 1'000'000'000;

  void drain() {}
  int result(std::future<int> future) { return future.get(); }
  // One producer is the calling thread, several are threads of their own.
  void producers(int count, const std::function<void(int)>& body);
};

// And those that have no futures of their own, or only such as nobody uses: the standard's, by post().
template <class Self>
struct FuturesByPost : Defaults {
  template <class F>
  std::future<int> submit(F f) {
    auto task = std::make_shared<std::packaged_task<int()>>(std::move(f));
    std::future<int> future = task->get_future();
    static_cast<Self*>(this)->post([task = std::move(task)] { (*task)(); });
    return future;
  }
};

}  // namespace contenders
