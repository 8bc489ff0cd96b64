#include "pools/src/base/cores_follower.h"

#include <exception>

#include "pools/cores.h"
#include "pools/detail/forks.h"
#include "pools/detail/futex.h"
#include "pools/errors.h"
#include "pools/src/base/own_thread.h"
#include "pools/src/base/thread_name.h"

namespace pools::detail {

CoresFollower::~CoresFollower() { stop(); }

void CoresFollower::start(int cores) {
  const Lock lock(mutex_);
  stop_locked();
  following_ = std::make_shared<Following>();
  following_->changed = changed_;
  following_->count = count ? count : std::function<int()>([] { return pools::usable_cores().count; });
  following_->period = period;
  following_->name = name_;
  following_->cores = cores;
  thread_ = start_own_thread([following = following_] { run(*following); });
}

void CoresFollower::stop() noexcept {
  const Lock lock(mutex_);
  stop_locked();
}

void CoresFollower::stop_locked() noexcept {
  if (!following_) return;
  // Release: nothing is ordered by it but the end itself; what the thread has done is seen by the join.
  following_->stopped.store(1, std::memory_order_release);
  futex_wake_all(following_->stopped);
  join_unless_this(thread_);
  following_.reset();
}

void CoresFollower::run(Following& following) noexcept {
  pool_thread_of = this_process();
  name_this_thread(following.name, "");
  for (;;) {
    const Deadline look = deadline_after(following.period);
    while (following.stopped.load(std::memory_order_acquire) == 0 && futex_wait(following.stopped, 0, look)) {
    }
    if (following.stopped.load(std::memory_order_acquire) != 0) return;
    try {
      const int cores = following.count();
      if (cores == following.cores) continue;
      following.changed(cores);
      following.cores = cores;
    } catch (const ShutdownError&) {
      return;
    } catch (const BrokenPoolError&) {
      return;
    } catch (const std::exception&) {  // no memory, no thread: the next time, perhaps
    }
  }
}

}  // namespace pools::detail
