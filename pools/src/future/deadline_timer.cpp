#include "pools/src/future/deadline_timer.h"

#include "pools/detail/forks.h"
#include "pools/src/base/mutex.h"
#include "pools/src/base/own_thread.h"
#include "pools/src/base/thread_name.h"

namespace pools::detail {
namespace {

thread_local const DeadlineTimer* this_timer = nullptr;

}  // namespace

DeadlineTimer::~DeadlineTimer() {
  stop();
  join_unless_this(thread_);
}

DeadlineTimer::Entry DeadlineTimer::make(FutureState& state, std::chrono::steady_clock::time_point when) {
  {
    const Lock lock(thread_mutex_);
    if (!thread_.joinable()) thread_ = start_own_thread([this] { run(); });
  }
  Entry made;
  Entries entry;
  entry.emplace(when, &state);
  made.entry_ = entry.extract(entry.begin());
  Places place;
  place.emplace(&state, Entries::iterator());
  made.place_ = place.extract(place.begin());
  return made;
}

void DeadlineTimer::add(Entry made) noexcept {
  const Lock lock(mutex_);
  const auto entry = entries_.insert(std::move(made.entry_));
  made.place_.mapped() = entry;
  places_.insert(std::move(made.place_));
  if (entry == entries_.begin()) changed_locked();
}

void DeadlineTimer::forget(FutureState& state) noexcept {
  const Lock lock(mutex_);
  const auto place = places_.find(&state);
  if (place == places_.end()) return;
  entries_.erase(place->second);
  places_.erase(place);
}

void DeadlineTimer::changed_locked() noexcept {
  changes_.fetch_add(1, std::memory_order_relaxed);
  futex_wake_all(changes_);
}

void DeadlineTimer::run() {
  pool_thread_of = this_process();
  this_timer = this;
  name_this_thread(name_, "");
  for (;;) {
    StateRef late;
    std::uint32_t changes = 0;
    Deadline until;
    {
      const Lock lock(mutex_);
      if (stopping_) return;
      changes = changes_.load(std::memory_order_relaxed);
      if (const auto first = entries_.begin(); first != entries_.end()) {
        until = first->first;
        if (*until <= std::chrono::steady_clock::now()) {
          late = StateRef::share(first->second);
          places_.erase(first->second);
          entries_.erase(first);
        }
      }
    }
    if (late) {
      late->cancel_unless_begun();  // without the lock: it runs callbacks, and its sink calls forget()
    } else {
      futex_wait(changes_, changes, until);
    }
  }
}

void DeadlineTimer::stop() noexcept {
  {
    const Lock lock(mutex_);
    stopping_ = true;
    changed_locked();
  }
  // Without thread_mutex_, which another thread may hold that waits for this one.
  if (is_this_thread()) return;
  const Lock lock(thread_mutex_);
  if (thread_.joinable()) thread_.join();
}

bool DeadlineTimer::is_this_thread() const noexcept { return this_timer == this; }

}  // namespace pools::detail
