#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <deque>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "pools/detail/forks.h"
#include "pools/detail/futex.h"
#include "pools/src/base/mutex.h"
#include "pools/src/base/thread_name.h"
#include "pools/src/process/os/spawn.h"

namespace pools::detail {
namespace {

thread_local bool is_spawner = false;

// The thread that starts all processes. It is never joined and its object never destroyed: PR_SET_PDEATHSIG follows the thread
// that forked, so it has to outlive every child, and only the end of the process may end it. A fork starts one of its own.
class Spawner {
 public:
  static Spawner& instance() {
    static constinit std::atomic<Spawner*> current{nullptr};
    // Acquire: what its maker made; release, with the exchange, publishes it.
    Spawner* found = current.load(std::memory_order_acquire);
    while (found == nullptr || !found->process_.is_this()) {
      auto made = std::make_unique<Spawner>();
      if (current.compare_exchange_strong(found, made.get(), std::memory_order_acq_rel, std::memory_order_acquire))
        return *made.release();
    }
    return *found;
  }

  void post(std::function<void()> job) {
    {
      const Lock lock(mutex_);
      if (!started_) {
        start();
        started_ = true;
      }
      jobs_.push_back(std::move(job));
    }
    parker_.unpark();
  }

 private:
  void start() {
    // All signals blocked, for good: between vfork and exec a child shares this process's memory, and no handler may run in it.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      std::thread([this] { run(); }).detach();
    } catch (const std::system_error& error) {
      ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
      throw SpawnError("start the thread that starts processes", error.code().value());
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void run() {
    is_spawner = true;
    name_this_thread("pools", "_spawner");
    for (std::deque<std::function<void()>> batch;;) {
      {
        const Lock lock(mutex_);
        batch.swap(jobs_);
      }
      if (batch.empty()) parker_.park();  // an unpark() since the look at the queue is not lost
      while (!batch.empty()) {
        batch.front()();
        batch.pop_front();
      }
    }
  }

  const OwningProcess process_;
  Mutex mutex_;
  bool started_ GUARDED_BY(mutex_) = false;
  std::deque<std::function<void()>> jobs_ GUARDED_BY(mutex_);
  Parker parker_;
};

}  // namespace

void post_to_spawner(std::function<void()> job) { Spawner::instance().post(std::move(job)); }

bool on_spawner() noexcept { return is_spawner; }

}  // namespace pools::detail
