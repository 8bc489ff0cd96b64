#pragma once

// The size of a pool that may follow the cores which this process may use, and the thread that looks at them each second. It is there only
// while the pool is to follow them: nothing else tells of a quota or a mask that has changed. verification/cores_follower.pml.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "pools/src/base/mutex.h"

namespace pools::detail {

// Thread-safe. Sizes are changed one after the other, each together with whether cores are followed from then on: so what a pool is asked at
// the same time by several threads is what one order of it gives.
class CoresFollower {
 public:
  using Change = std::function<void(int)>;

  // `change` makes the pool as large as is right for so many cores. It is called on the thread, too: what it throws is reported once and tried
  // again at the next look, but ShutdownError and BrokenPoolError end the thread.
  CoresFollower(std::string pool, Change change) : pool_(std::move(pool)), change_(std::move(change)) {}
  ~CoresFollower();
  CoresFollower(const CoresFollower&) = delete;
  CoresFollower& operator=(const CoresFollower&) = delete;

  // Changes the size for what the process may use now, and follows it; `before` comes first. Throws what `change` does: nothing is followed then;
  // and std::system_error: the size is changed then.
  void follow(const std::function<void()>& before = {}) EXCLUDES(mutex_);
  // Calls `resize`, and follows nothing any more, also if it throws; then `start`, unless this is closed.
  template <class Resize, class Start>
  void instead(Resize&& resize, Start&& start) EXCLUDES(mutex_) {
    Ended ended;
    const Lock lock(mutex_);
    end(ended);
    resize();
    if (!closed_) start();
  }
  template <class Resize>
  void instead(Resize&& resize) EXCLUDES(mutex_) {
    instead(std::forward<Resize>(resize), [] {});
  }
  // Follows nothing any more, whatever is called. Idempotent.
  void close() noexcept EXCLUDES(mutex_);

  // For tests, before anything is followed: how many there are, empty where that cannot be told now; and how often it is looked at.
  std::function<std::optional<int>()> count = {};  // empty: usable_cores_if_known() of the process
  std::chrono::nanoseconds period = std::chrono::seconds(1);

 private:
  // The thread's, which may outlive this if it is ended on itself, in the error hook.
  struct Following {
    CoresFollower* follower;  // not to be touched once stopped
    std::function<std::optional<int>()> count;
    std::chrono::nanoseconds period;
    std::string pool;
    int cores = 0;
    // Set with mutex_ held; the thread sleeps on it. Invariant: once set, the thread changes nothing, since it looks with mutex_ held.
    std::atomic<std::uint32_t> stopped{0};
  };
  // A thread that has been told to end: waited for at the end of this, with no mutex held, since it may wait for that.
  struct Ended {
    Ended() = default;
    ~Ended();
    Ended(const Ended&) = delete;
    Ended& operator=(const Ended&) = delete;
    std::thread thread;
  };

  static void run(Following& following) noexcept;
  static bool look(Following& following);  // false: there is nothing to follow any more
  void end(Ended& ended) noexcept REQUIRES(mutex_);

  const std::string pool_;
  const Change change_;
  Mutex mutex_;
  bool closed_ GUARDED_BY(mutex_) = false;
  std::thread thread_ GUARDED_BY(mutex_);
  std::shared_ptr<Following> following_ GUARDED_BY(mutex_);
};

}  // namespace pools::detail
