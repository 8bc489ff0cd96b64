#include "pools/src/base/cores_follower.h"

#include <exception>

#include "pools/cores.h"
#include "pools/detail/forks.h"
#include "pools/detail/futex.h"
#include "pools/errors.h"
#include "pools/src/base/own_thread.h"
#include "pools/src/base/thread_name.h"

namespace pools::detail {
namespace {

std::optional<int> cores_of_the_process() {
  const std::optional<UsableCores> cores = usable_cores_if_known();
  return cores ? std::optional(cores->count) : std::nullopt;
}

}  // namespace

CoresFollower::Ended::~Ended() { join_unless_this(thread); }

CoresFollower::~CoresFollower() { close(); }

void CoresFollower::follow(const std::function<void()>& before) {
  Ended ended;
  const Lock lock(mutex_);
  end(ended);
  if (before) before();
  const auto next = std::make_shared<Following>();
  next->follower = this;
  next->count = count ? count : cores_of_the_process;
  next->period = period;
  next->pool = pool_;
  // What cannot be told now is found by the first look.
  next->cores = next->count().value_or(0);
  change_(next->cores > 0 ? next->cores : pools::usable_cores().count);
  if (closed_) return;  // by a shutdown that has not come as far as to refuse the size
  thread_ = start_own_thread([next] { run(*next); });
  following_ = next;
}

void CoresFollower::close() noexcept {
  Ended ended;
  const Lock lock(mutex_);
  closed_ = true;
  end(ended);
}

void CoresFollower::end(Ended& ended) noexcept {
  if (!following_) return;
  // Release: nothing is ordered by it but the end itself; what the thread has done is seen by the mutex.
  following_->stopped.store(1, std::memory_order_release);
  futex_wake_all(following_->stopped);
  following_.reset();
  ended.thread = std::move(thread_);
}

bool CoresFollower::look(Following& following) {
  const std::optional<int> cores = following.count();
  if (!cores || *cores == following.cores) return true;
  if (following.stopped.load(std::memory_order_acquire) != 0) return false;
  // Whoever ends the follower waits for this thread before, or is this thread.
  CoresFollower& follower = *following.follower;
  const Lock lock(follower.mutex_);
  if (following.stopped.load(std::memory_order_relaxed) != 0) return false;  // Relaxed: it is set with the mutex held
  follower.change_(*cores);
  following.cores = *cores;
  return true;
}

void CoresFollower::run(Following& following) noexcept {
  pool_thread_of = this_process();
  name_this_thread(following.pool, "_cores");
  bool failing = false;
  for (;;) {
    const Deadline next = deadline_after(following.period);
    while (following.stopped.load(std::memory_order_acquire) == 0 && futex_wait(following.stopped, 0, next)) {
    }
    if (following.stopped.load(std::memory_order_acquire) != 0) return;
    try {
      if (!look(following)) return;
      failing = false;
    } catch (const ShutdownError&) {
      return;
    } catch (const BrokenPoolError&) {
      return;
    } catch (...) {  // no memory, no thread: the next time, perhaps
      // The hook may end all this.
      if (!std::exchange(failing, true)) report_error("following the cores in a pool", std::current_exception());
    }
  }
}

}  // namespace pools::detail
