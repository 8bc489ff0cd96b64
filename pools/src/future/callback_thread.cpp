#include "pools/src/future/callback_thread.h"

#include <exception>
#include <utility>

#include "pools/detail/forced_unwind.h"
#include "pools/detail/forks.h"
#include "pools/src/base/backoff.h"
#include "pools/src/base/mutex.h"
#include "pools/src/base/own_thread.h"
#include "pools/src/base/thread_name.h"

namespace pools::detail {
namespace {

thread_local const CallbackThread* this_callback_thread = nullptr;

}  // namespace

CallbackThread::CallbackThread(std::string name, std::function<void()> prepare)
    : name_(std::move(name)), prepare_(std::move(prepare)) {}

CallbackThread::~CallbackThread() {
  stop();
  join_unless_this(thread_);
}

void CallbackThread::stop() noexcept {
  bool wake = false;
  {
    const Lock lock(mutex_);
    stopping_ = true;
    wake = std::exchange(sleeping_, false);
  }
  if (wake) parker_.unpark();
}

void CallbackThread::ensure_thread() {
  // Acquire is not needed: whatever the thread reads is handed over under mutex_.
  if (started_.load(std::memory_order_relaxed)) return;
  const Lock lock(start_mutex_);
  if (thread_.joinable()) return;
  thread_ = start_own_thread([this] { run(); });
  started_.store(true, std::memory_order_relaxed);
}

void CallbackThread::start() {
  ensure_thread();
  // Acquire pairs with the release in run(): what `prepare` did is visible.
  while (ready_.load(std::memory_order_acquire) == 0) futex_wait(ready_, 0);
}

void CallbackThread::deliver(StateRef state) noexcept {
  try {
    ensure_thread();
  } catch (const std::exception&) {  // no thread, or no memory for one
    report_error("starting the callback thread", std::current_exception());
    state->run_delivered_callbacks();
    return;
  }
  bool wake = false;
  {
    const Lock lock(mutex_);
    queue_.push(std::move(state));
    ++delivered_;
    wake = std::exchange(sleeping_, false);
  }
  if (wake) parker_.unpark();  // after unlocking: the first thing the thread wants is the lock
}

void CallbackThread::run() {
  pool_thread_of = this_process();
  this_callback_thread = this;
  name_this_thread(name_, "");
  if (prepare_) {
    try {
      prepare_();
    } catch (ForcedUnwind&) {
      refuse_to_unwind("the initializer of a callback thread");
    } catch (...) {
      report_error("the initializer of a callback thread", std::current_exception());
    }
  }
  ready_.store(1, std::memory_order_release);
  futex_wake_all(ready_);

  for (Backoff backoff;;) {
    DeliveryQueue batch = [this] {
      const Lock lock(mutex_);
      return DeliveryQueue(std::move(queue_));
    }();
    if (!batch.empty()) {
      backoff.renew();
      do {
        batch.pop()->run_delivered_callbacks();
        // Sequentially consistent, with the accesses in drain(): either the count is read there after it was raised here, or
        // the drainer is seen here. Also a release: drain() returns after the callbacks' effects are visible.
        completed_.fetch_add(1, std::memory_order_seq_cst);
        if (drainers_.load(std::memory_order_seq_cst) != 0) futex_wake_all(completed_);
      } while (!batch.empty());
      continue;
    }
    if (backoff.yield_once()) continue;
    {
      const Lock lock(mutex_);
      if (!queue_.empty()) continue;
      if (stopping_) return;
      sleeping_ = true;
    }
    parker_.park();
    backoff.renew();
  }
}

void CallbackThread::drain() noexcept {
  if (is_this_thread()) return;
  std::uint32_t target = 0;
  {
    const Lock lock(mutex_);
    target = delivered_;
  }
  drainers_.fetch_add(1, std::memory_order_seq_cst);
  for (;;) {
    const std::uint32_t completed = completed_.load(std::memory_order_seq_cst);
    if (static_cast<std::int32_t>(completed - target) >= 0) break;
    futex_wait(completed_, completed);
  }
  drainers_.fetch_sub(1, std::memory_order_relaxed);  // Relaxed: a wake-up too many does no harm.
}

bool CallbackThread::is_this_thread() const noexcept { return this_callback_thread == this; }

}  // namespace pools::detail
