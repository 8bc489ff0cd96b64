#include "pools/src/thread/dispatch.h"

#include <sched.h>

#include <algorithm>
#include <utility>

#include "pools/src/base/backoff.h"
#include "pools/src/base/mutex.h"

namespace pools::detail {

void Dispatch::List::append(Job* job) noexcept {
  job->next = nullptr;
  if (empty()) {
    first_.store(job, std::memory_order_relaxed);
  } else {
    last_->next = job;
  }
  last_ = job;
}

void Dispatch::List::append_all(List& from) noexcept {
  if (from.empty()) return;
  Job* const last = from.last_;
  if (empty()) {
    first_.store(from.first(), std::memory_order_relaxed);
  } else {
    last_->next = from.first();
  }
  last_ = last;
  from.first_.store(nullptr, std::memory_order_relaxed);
}

Job* Dispatch::List::pop() noexcept {
  Job* const job = first();
  first_.store(job->next, std::memory_order_relaxed);
  return job;
}

Job* Dispatch::List::take_all() noexcept {
  Job* const all = first();
  first_.store(nullptr, std::memory_order_relaxed);
  return all;
}

void Dispatch::accept_locked(Job* job) noexcept {
  const std::uint64_t number = submitted_.load(std::memory_order_relaxed);
  // Release: see submitted().
  submitted_.store(number + 1, std::memory_order_release);
  if (job->extras) events_.accepted(*job, number);
}

void Dispatch::queued_locked(ThreadWorker*& wake, bool may_run) noexcept {
  if (inbox_counting()) ++unclaimed_;
  if (may_run && !inbox_paused()) wake = choose_locked();
}

Dispatch::Pushed Dispatch::push(Job* job, bool anyway) noexcept {
  if (job->extras && (job->extras->priority != 0 || job->extras->group != nullptr)) return push_otherwise(job, anyway);
  ThreadWorker* wake = nullptr;
  {
    const Lock inbox(inbox_mutex_);
    if (closed_.load(std::memory_order_relaxed)) return Pushed::refused;
    if (short_of_workers_locked(1) && !anyway) return Pushed::needs_worker;
    accept_locked(job);
    inbox_.append(job);
    queued_locked(wake);
  }
  if (wake != nullptr) wake->parker_.unpark();  // after unlocking: the first thing it wants are the locks
  return Pushed::queued;
}

Dispatch::Pushed Dispatch::push_otherwise(Job* job, bool anyway) noexcept {
  ThreadWorker* wake = nullptr;
  {
    const Lock outbox(outbox_mutex_);
    const Lock inbox(inbox_mutex_);
    if (closed_.load(std::memory_order_relaxed)) return Pushed::refused;
    if (short_of_workers_locked(1) && !anyway) return Pushed::needs_worker;
    accept_locked(job);
    if (job->priority() != 0) {
      ranked_.push(job);
      set_mode_locked(kRanked, true);
    } else {
      inbox_.append(job);
    }
    JobGroup* const group = job->group();
    if (group != nullptr) {
      ++group->waiting;
      ++grouped_;
      set_mode_locked(kGrouped, true);
    }
    queued_locked(wake, group == nullptr || !group->full());
  }
  if (wake != nullptr) wake->parker_.unpark();
  return Pushed::queued;
}

Dispatch::Admitted Dispatch::admit(Job* job) noexcept {
  const Lock outbox(outbox_mutex_);
  const Lock inbox(inbox_mutex_);
  if (closed_.load(std::memory_order_relaxed)) return Admitted::refused;
  if (paused()) return Admitted::paused;
  accept_locked(job);
  admitted_.fetch_add(1, std::memory_order_relaxed);  // Relaxed: the locks order it before a pause
  return Admitted::admitted;
}

ThreadWorker* Dispatch::choose_locked() noexcept {
  if (searching_ > 0 || idle_ == nullptr) return nullptr;
  ThreadWorker* const worker = std::exchange(idle_, idle_->next_idle_);
  worker->searching_ = true;
  ++searching_;
  return worker;
}

Job* Dispatch::take_locked() noexcept {
  JobGroup* const group = (mode() & kGrouped) != 0 ? first_group_locked() : nullptr;
  if (group != nullptr) {
    const Job& passed_over = *group->passed_over.first();
    // What is left in a list was submitted after what was passed over there.
    if ((outbox_.empty() || passed_over.priority() >= 0) &&
        (ranked_.empty() || JobOrder::goes_before(passed_over, *ranked_.first()))) {
      return group->passed_over.pop();
    }
  }
  if (!ranked_.empty() && (outbox_.empty() || ranked_.first()->priority() > 0)) {
    Job* const job = ranked_.pop();
    if (ranked_.empty()) set_mode_locked(kRanked, false);
    return job;
  }
  return outbox_.pop();
}

// REQUIRES: claimable_locked()
Job* Dispatch::claim_locked(ThreadWorker& self, ThreadWorker*& wake) noexcept {
  Job* const job = take_locked();
  if ((mode() & kGrouped) != 0 && job->group() != nullptr) {
    leave_group_locked(*job->group());
    if (job->pending()) {  // and whoever is faster than this worker runs it by a permit of its own
      self.permit_ = job->group();
      ++self.permit_->taken;
    }
  }
  self.claiming();
  if (counting()) {
    --unclaimed_;
    if (std::exchange(self.available_, false)) --available_;
  }
  if (std::exchange(self.searching_, false)) --searching_;
  if (claimable_locked()) wake = choose_locked();
  return job;
}

void Dispatch::retire_locked(ThreadWorker& self, ThreadWorker*& wake) noexcept {
  if (--excess_ == 0) set_mode_locked(kShrinking, false);
  if (!std::exchange(self.searching_, false)) return;
  --searching_;
  if (claimable_locked()) wake = choose_locked();
}

Job* Dispatch::next(ThreadWorker& self) noexcept {
  if (self.permit_ != nullptr) [[unlikely]]
    give_back(self);
  for (bool searched = false;;) {
    ThreadWorker* wake = nullptr;
    ThreadWorker* to_end = nullptr;
    Job* job = nullptr;
    bool park = false;
    bool end = false;
    {
      const Lock outbox(outbox_mutex_);
      // self.searching_ is set by others only while this worker is parked.
      if (!outbox_.empty() && !self.searching_ && mode() == 0) {
        self.claiming();
        return outbox_.pop();
      }

      const Lock inbox(inbox_mutex_);
      outbox_.append_all(inbox_);
      if (excess_ > 0) {
        retire_locked(self, wake);
        end = true;
      } else if (claimable_locked()) {
        job = claim_locked(self, wake);
        if (closed_.load(std::memory_order_relaxed) && grouped_ == 0) to_end = std::exchange(idle_, nullptr);
      } else {
        if (counting() && !std::exchange(self.available_, true)) ++available_;
        if (closed_.load(std::memory_order_relaxed) && grouped_ == 0) {  // and not paused: nothing is left
          if (std::exchange(self.searching_, false)) --searching_;
          return nullptr;
        }
        if (!searched) {
          if (!std::exchange(self.searching_, true)) ++searching_;
        } else {
          self.searching_ = false;
          --searching_;
          self.next_idle_ = std::exchange(idle_, &self);
          park = true;
        }
      }
    }
    if (wake != nullptr) wake->parker_.unpark();
    if (to_end != nullptr) unpark_all(to_end);
    if (job != nullptr || end) return job;
    if (park) {
      self.parker_.park();
      searched = false;
    } else {
      search();
      searched = true;
    }
  }
}

void Dispatch::search() const noexcept {
  Backoff backoff;
  do {
    if (!outbox_.empty() || !inbox_.empty() || (mode() & kRanked) != 0) return;
  } while (backoff.yield_once());
}

void Dispatch::unpark_all(ThreadWorker* list) noexcept {
  // Off the list a worker stays parked, and its link unchanged, until it is unparked here.
  while (list != nullptr) std::exchange(list, list->next_idle_)->parker_.unpark();
}

Dispatch::Closed Dispatch::close_locked() noexcept {
  // Release: see closed().
  closed_.store(true, std::memory_order_release);
  set_mode_locked(kPaused, false);
  return {.parked = std::exchange(idle_, nullptr), .waiters = std::exchange(resume_waiters_, {})};
}

void Dispatch::wake(const Closed& closed) noexcept {
  unpark_all(closed.parked);
  for (const auto& waiter : closed.waiters) waiter->nudge();
}

void Dispatch::close() noexcept {
  Closed closed;
  {
    const Lock outbox(outbox_mutex_);
    const Lock inbox(inbox_mutex_);
    closed = close_locked();
  }
  wake(closed);
}

Job* Dispatch::close_and_take_all() noexcept {
  Closed closed;
  Job* all = nullptr;
  {
    const Lock outbox(outbox_mutex_);
    const Lock inbox(inbox_mutex_);
    closed = close_locked();
    outbox_.append_all(inbox_);
    while (!ranked_.empty()) outbox_.append(ranked_.pop());
    for (const auto& group : groups_) {
      while (!group->passed_over.empty()) outbox_.append(group->passed_over.pop());
      group->waiting = 0;
    }
    grouped_ = 0;
    set_mode_locked(kRanked, false);
    set_mode_locked(kGrouped, false);
    unclaimed_ = 0;
    all = outbox_.take_all();
  }
  wake(closed);
  return all;
}

void Dispatch::pause() noexcept {
  const Lock outbox(outbox_mutex_);
  const Lock inbox(inbox_mutex_);
  if (!closed_.load(std::memory_order_relaxed)) set_mode_locked(kPaused, true);
}

void Dispatch::await_admitted_settled() const noexcept {
  while (admitted_.load(std::memory_order_acquire) != 0) ::sched_yield();  // a few instructions, but for a lost core
}

void Dispatch::resume() noexcept {
  ThreadWorker* wake = nullptr;
  Nudges waiters;
  {
    const Lock outbox(outbox_mutex_);
    const Lock inbox(inbox_mutex_);
    set_mode_locked(kPaused, false);
    waiters.swap(resume_waiters_);
    if (claimable_locked()) wake = choose_locked();
  }
  if (wake != nullptr) wake->parker_.unpark();
  for (const auto& waiter : waiters) waiter->nudge();
}

bool Dispatch::notify_on_resume(std::shared_ptr<CompletionQueue> waiter) {
  const Lock outbox(outbox_mutex_);
  const Lock inbox(inbox_mutex_);
  if (!paused()) return false;
  resume_waiters_.push_back(std::move(waiter));
  return true;
}

bool Dispatch::lacks_worker(Need need) const noexcept {
  const Lock inbox(inbox_mutex_);
  if (unstarted_ == 0) return false;
  if (need == Need::queued) return short_of_workers_locked(0);
  if (closed_.load(std::memory_order_relaxed)) return false;
  return need == Need::all || short_of_workers_locked(1);
}

void Dispatch::worker_started() noexcept {
  const Lock outbox(outbox_mutex_);
  const Lock inbox(inbox_mutex_);
  // It may have claimed a job by now, and have counted itself as busy before it is counted here.
  ++available_;
  if (--unstarted_ == 0) set_mode_locked(kCounting, false);
}

void Dispatch::grow(int by) noexcept {
  const Lock outbox(outbox_mutex_);
  const Lock inbox(inbox_mutex_);
  const int kept = std::min(by, excess_);  // that were to end and have not yet
  excess_ -= kept;
  set_mode_locked(kShrinking, excess_ > 0);
  unstarted_ += by - kept;
}

void Dispatch::shrink(int by) noexcept {
  ThreadWorker* woken = nullptr;
  {
    const Lock outbox(outbox_mutex_);
    const Lock inbox(inbox_mutex_);
    const int never_started = std::min(by, unstarted_);
    unstarted_ -= never_started;
    if (unstarted_ == 0) set_mode_locked(kCounting, false);
    excess_ += by - never_started;
    set_mode_locked(kShrinking, excess_ > 0);
    for (int left = excess_; left > 0 && idle_ != nullptr; --left) {
      ThreadWorker* const worker = std::exchange(idle_, idle_->next_idle_);
      worker->next_idle_ = std::exchange(woken, worker);
    }
  }
  unpark_all(woken);
}

int Dispatch::drop_unstarted() noexcept {
  const Lock inbox(inbox_mutex_);
  return std::exchange(unstarted_, 0);
}

void Dispatch::make_available(ThreadWorker& self) noexcept {
  const Lock inbox(inbox_mutex_);
  if (!std::exchange(self.available_, true)) ++available_;
}

bool Dispatch::make_unavailable(ThreadWorker& self) noexcept {
  const Lock inbox(inbox_mutex_);
  if (std::exchange(self.available_, false)) --available_;
  return short_of_workers_locked(0);
}

}  // namespace pools::detail
