#include "pools/dispatch.h"

#include <sched.h>

#include <mutex>
#include <utility>

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

bool Dispatch::List::remove(Job* job) noexcept {
  Job* previous = nullptr;
  for (Job* at = first(); at != nullptr; previous = at, at = at->next) {
    if (at != job) continue;
    if (previous == nullptr) {
      first_.store(job->next, std::memory_order_relaxed);
    } else {
      previous->next = job->next;
    }
    if (last_ == job) last_ = previous;
    return true;
  }
  return false;
}

Dispatch::Pushed Dispatch::push(Job* job) noexcept {
  Worker* wake = nullptr;
  Pushed outcome = Pushed::queued;
  {
    const std::lock_guard inbox(inbox_mutex_);
    if (closed_) return Pushed::refused;
    inbox_.append(job);
    if (counting()) {
      ++unclaimed_;
      if (short_of_workers_locked()) outcome = Pushed::queued_needs_worker;
    }
    wake = choose_locked();
  }
  if (wake != nullptr) wake->parker_.unpark();   // after unlocking: the first thing it wants are the locks
  return outcome;
}

Worker* Dispatch::choose_locked() noexcept {
  if (searching_ > 0 || idle_ == nullptr) return nullptr;
  Worker* const worker = std::exchange(idle_, idle_->next_idle_);
  worker->searching_ = true;
  ++searching_;
  return worker;
}

Job* Dispatch::claim_locked(Worker& self, Worker*& wake) noexcept {
  Job* const job = outbox_.pop();
  if (counting()) {
    --unclaimed_;
    if (std::exchange(self.available_, false)) --available_;
  }
  if (std::exchange(self.searching_, false)) --searching_;
  if (!outbox_.empty() || !inbox_.empty()) wake = choose_locked();
  return job;
}

Job* Dispatch::next(Worker& self) noexcept {
  for (bool searched = false;;) {
    Worker* wake = nullptr;
    Job* job = nullptr;
    bool park = false;
    {
      const std::lock_guard outbox(outbox_mutex_);
      // self.searching_ is set by others only while this worker is parked.
      if (!outbox_.empty() && !self.searching_ && !counting()) return outbox_.pop();

      const std::lock_guard inbox(inbox_mutex_);
      outbox_.append_all(inbox_);
      if (!outbox_.empty()) {
        job = claim_locked(self, wake);
      } else {
        if (counting() && !std::exchange(self.available_, true)) ++available_;
        if (closed_) {
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
    if (job != nullptr) return job;
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
  for (int yields = 0; yields < kYieldsBeforeSleeping; ++yields) {
    if (!outbox_.empty() || !inbox_.empty()) return;
    ::sched_yield();
  }
}

void Dispatch::close() noexcept {
  Worker* woken = nullptr;
  {
    const std::lock_guard inbox(inbox_mutex_);
    closed_ = true;
    woken = std::exchange(idle_, nullptr);
  }
  // Off the list a worker stays parked, and its link unchanged, until it is unparked here.
  while (woken != nullptr) std::exchange(woken, woken->next_idle_)->parker_.unpark();
}

Job* Dispatch::take_all() noexcept {
  const std::lock_guard outbox(outbox_mutex_);
  const std::lock_guard inbox(inbox_mutex_);
  outbox_.append_all(inbox_);
  unclaimed_ = 0;
  return outbox_.take_all();
}

bool Dispatch::withdraw(Job* job) noexcept {
  const std::lock_guard outbox(outbox_mutex_);
  const std::lock_guard inbox(inbox_mutex_);
  outbox_.append_all(inbox_);
  if (!outbox_.remove(job)) return false;
  --unclaimed_;
  return true;
}

bool Dispatch::reserve_worker(bool only_if_needed) noexcept {
  const std::lock_guard inbox(inbox_mutex_);
  if (unstarted_ == 0 || !(only_if_needed ? short_of_workers_locked() : !closed_)) return false;
  --unstarted_;
  ++available_;
  return true;
}

void Dispatch::start_failed() noexcept {
  const std::lock_guard inbox(inbox_mutex_);
  ++unstarted_;
  --available_;
}

void Dispatch::all_started() noexcept {
  const std::lock_guard inbox(inbox_mutex_);
  counting_.store(false, std::memory_order_relaxed);
}

void Dispatch::make_available(Worker& self) noexcept {
  const std::lock_guard inbox(inbox_mutex_);
  if (!std::exchange(self.available_, true)) ++available_;
}

bool Dispatch::make_unavailable(Worker& self) noexcept {
  const std::lock_guard inbox(inbox_mutex_);
  if (std::exchange(self.available_, false)) --available_;
  return short_of_workers_locked();
}

}  // namespace pools::detail
