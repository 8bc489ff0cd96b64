#pragma once

// The thread of a pool that sizes itself: it looks some 20 times a second at what the workers do, while they do something, and sets the size.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "pools/metrics.h"
#include "pools/src/base/change_count.h"
#include "pools/src/base/mutex.h"
#include "pools/src/base/self_size.h"
#include "pools/src/base/work_meter.h"

namespace pools::detail {

// Thread-safe.
//
// The thread sleeps without an end while no task runs and the size is the least. Whoever begins a task wakes it. Nobody asks whether a task has
// begun that the thread overlooks: it says that it sleeps, and then looks once more whether a task runs; who begins a task says so, and then looks
// whether it sleeps. Each of the four is sequentially consistent, so that one of the two sees the other (verification/sizer.pml).
class Sizer {
 public:
  // What it asks of its pool. All but task_began() are called on the thread, and what they throw counts as nothing having been asked; but
  // ShutdownError and BrokenPoolError end the thread.
  struct Pool {
    std::function<void(WorkMeter&)> measure;  // add() of each worker
    std::function<PoolMetrics()> tasks;
    std::function<bool()> has_task;  // one runs. Sequentially consistent with what says so
    std::function<void(int)> set_size;
    std::function<int()> size;  // as asked for, after set_size() has thrown
  };

  Sizer(std::string name, Pool pool) : name_(std::move(name)), pool_(std::make_shared<const Pool>(std::move(pool))) {}
  ~Sizer();
  Sizer(const Sizer&) = delete;
  Sizer& operator=(const Sizer&) = delete;

  // From now on, of a pool that has `size` workers; instead of what it did before. Throws std::system_error, std::bad_alloc.
  void start(const SelfSizing& bounds, int size);
  // The size is not set any more, and the thread has ended, when this returns; but on the thread itself it ends soon. Idempotent.
  void stop() noexcept;

  // A task has begun, and has_task() says so. For any thread.
  void task_began() noexcept {
    if (signals_->asleep.load(std::memory_order_seq_cst)) [[unlikely]]
      wake();
  }
  // To be counted among the pool's metrics; none while it is stopped.
  std::optional<SizingMetrics> metrics() const;

  // For tests: how often it looks, and how many cores there are.
  std::chrono::nanoseconds period = std::chrono::milliseconds(50);
  std::function<int()> cores = {};  // empty: usable_cores()

 private:
  struct Signals {
    std::atomic<bool> asleep{false};  // until a task begins
    ChangeCount calls;                // the thread sleeps on it
  };
  // The thread's, which may outlive this.
  struct Sizing {
    Sizing(const SelfSizing& bounds, int workers) : size(bounds, workers), at(size.size()) {}
    std::shared_ptr<const Pool> pool;
    std::shared_ptr<Signals> signals;
    std::string name;
    std::chrono::nanoseconds period{};
    std::function<int()> cores;
    SelfSize size;
    WorkMeter meter;
    int cores_now = 1;
    std::chrono::steady_clock::time_point cores_due{};
    std::atomic<bool> stopped{false};  // what is said by it is said with a change of `calls`
    // For metrics(). Relaxed, all of them: each is a count for itself, written by the thread.
    std::atomic<int> at;
    std::atomic<std::uint64_t> changes{0};
    std::atomic<std::int64_t> waited{0};
    std::atomic<std::int64_t> computed{0};
  };

  static void run(Sizing& sizing) noexcept;
  static void look(Sizing& sizing);                  // Throws what the pool throws
  static void sleep(const Sizing& sizing) noexcept;  // until the next look, or until it is stopped
  static void sleep_without_tasks(
      const Sizing& sizing) noexcept;  // until a task begins or, if that may change the size, for a spell
  void wake() noexcept;
  void stop_locked() noexcept REQUIRES(mutex_);

  const std::string name_;
  const std::shared_ptr<const Pool> pool_;
  const std::shared_ptr<Signals> signals_ = std::make_shared<Signals>();
  mutable Mutex mutex_;
  std::thread thread_ GUARDED_BY(mutex_);
  std::shared_ptr<Sizing> sizing_ GUARDED_BY(mutex_);
};

}  // namespace pools::detail
